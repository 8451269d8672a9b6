"""Edges: the policies allow what the model declares, and nothing else."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.network.peers import MONITORING, OUTSIDE, WORLD, Peer, peers_of
from tarmac.check.gates.views.network.policies import Policies
from tarmac.check.gates.views.objects.metadata import NAME
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted

#: A pod of another team.
FOREIGN_POD = Peer("a pod of another namespace", {NAME: "foreign-pod"}, "elsewhere")
#: Source, target, port.
Declared = set[tuple[str, str, int]]


def check(subject: Subject) -> Iterator[Finding]:
    """Yield declared edges that the policies block, and open ones that are not declared."""
    plan = subject.plan
    if not subject.objects("NetworkPolicy"):
        yield Finding(
            subject.at(),
            "no NetworkPolicy is rendered: every pod can reach every other; add them",
        )
        return
    policies, peers = Policies(subject.objects("NetworkPolicy")), peers_of(subject)
    declared = {(edge.source, edge.target, edge.port) for edge in plan.allowed}
    for edge in plan.allowed:
        if held := policies.holds(peers[edge.source], peers[edge.target], edge.port):
            yield Finding(
                edge.place,
                f"{edge.source} -> {edge.target}:{edge.port} is declared, but the policies "
                f"of {held} block it; add the rule",
            )
    declared |= {(MONITORING, workload.name, workload.metrics or 0) for workload in plan.workloads}
    yield from _jobs(subject, policies, peers, declared)
    sources = {name: peer for name, peer in peers.items() if not peer.address}
    sources["foreign-pod"] = FOREIGN_POD
    for workload in plan.workloads:
        target = peers[workload.name]
        for name in dict.fromkeys((*policies.entering(target, sources), "foreign-pod", WORLD)):
            for port in sorted(set(target.ports.values())) if name != workload.name else ():
                known = (name, workload.name, port) in declared
                if not known and not policies.holds(sources[name], target, port):
                    yield Finding(
                        workload.place,
                        f"{sources[name].name} can reach {workload.name}:{port}, which no edge "
                        "declares; add it to `calls` or `stores`, or remove the rule",
                    )
    yield from _outwards(subject, policies, peers)


def _jobs(
    subject: Subject, policies: Policies, peers: dict[str, Peer], declared: Declared
) -> Iterator[Finding]:
    """Add Jobs, which may reach what their workload may; yield setup Jobs that are blocked."""
    known = {workload.name: workload for workload in subject.plan.workloads}
    edges: dict[str, list[tuple[str, int]]] = {}
    for source, target, port in declared:
        edges.setdefault(source, []).append((target, port))
    for job in pods(subject, "Job", "CronJob"):
        workload = known.get(job.workload)
        if workload is None or job.labels.get(NAME) == workload.name:
            continue
        peers[job.name] = own = Peer(job.name, job.labels, subject.plan.namespace)
        ends = [(workload.name, port) for port in peers[workload.name].ports.values()]
        cut = [policies.holds(own, peers[workload.name], port) for _, port in ends]
        if workload.role != "service" and all(cut):
            yield Finding(
                job.artifact.path,
                f"{job.name} sets up {workload.name}, but no policy allows it; add one",
            )
        declared |= {(job.name, *end) for end in (*ends, *edges.get(workload.name, ()))}


def _outwards(subject: Subject, policies: Policies, peers: dict[str, Peer]) -> Iterator[Finding]:
    """Yield workloads with undeclared egress to the internet or to managed servers."""
    plan, known = subject.plan, subject.plan.settings.api_server
    managed = {store.name for store in plan.managed}
    network = Peer(plan.settings.network, address=plan.settings.network.partition("/")[0])
    ports = {store.port for store in plan.managed} | {443, known.port}
    mine: dict[str, Declared] = {}
    for edge in plan.allowed:
        mine.setdefault(edge.source, set()).add((edge.source, edge.target, edge.port))
    block = ipaddress.ip_network(plan.settings.api_network)
    server = Peer("the API server", address=str(block.network_address))
    internet = Peer("the internet", address=OUTSIDE)
    ways = ((server, managed), (network, managed), (internet, plan.externals))
    for workload in plan.workloads:
        for peer, ends in {peer.address: (peer, ends) for peer, ends in ways}.values():
            own = {port for _, end, port in mine.get(workload.name, ()) if end in ends}
            if workload.caller_keys and ipaddress.ip_address(peer.address) in block:
                own.add(known.port)
            for port in sorted(ports - own):
                if not policies.holds(peers[workload.name], peer, port):
                    yield Finding(
                        workload.place,
                        f"{workload.name} can reach {peer.name} on port {port}, which no edge "
                        "declares; add it to `stores` or `externals`, or remove the rule",
                    )


GATE = Gate(
    id="NET002",
    title="The policies allow every declared edge and nothing else",
    phase="kubernetes",
    source="default deny: an attacker moves along open edges that are not declared",
    check=check,
    scope=counted("workloads", lambda subject: subject.plan.workloads),
    targets=("cluster",),
    reads="each NetworkPolicy, evaluated for every pair of workloads on every port, for jobs, "
    "the ingress, the monitoring, a pod of another namespace, the managed servers, the API "
    "server and the internet. DNS, telemetry and the mesh's own ports are not judged.",
)
