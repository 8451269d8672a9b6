"""Edges: the policies let through what the model declares, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import NAME, pods
from tarmac.gates._policies import MONITORING, OUTSIDE, WORLD, Peer, Policies, peers_of
from tarmac.report import Finding

#: A pod of some other team.
STRANGER = Peer("a pod of another namespace", {NAME: "stranger"}, "elsewhere")

#: Who reaches whom on which port.
Declared = set[tuple[str, str, int]]


def check(subject: Subject) -> Iterator[Finding]:
    """Yield declared edges that are cut, and open ways that nobody declared."""
    plan = subject.plan
    if not subject.objects("NetworkPolicy"):
        yield Finding(
            subject.at(), "no NetworkPolicy is rendered: everybody reaches everything; add them"
        )
        return
    policies, peers = Policies(subject.objects("NetworkPolicy")), peers_of(subject)
    declared = {(each.source, each.target, each.port) for each in plan.allowed}
    for edge in plan.allowed:
        if held := policies.holds(peers[edge.source], peers[edge.target], edge.port):
            yield Finding(
                edge.place,
                f"{edge.source} -> {edge.target}:{edge.port} is declared, and the policies of "
                f"{held} do not let it through; add the rule",
            )
    declared |= {(MONITORING, each.name, each.metrics or 0) for each in plan.workloads}
    yield from _jobs(subject, policies, peers, declared)
    sources = {name: peer for name, peer in peers.items() if not peer.address}
    sources["stranger"] = STRANGER
    for workload in plan.workloads:
        target = peers[workload.name]
        for name in dict.fromkeys((*policies.entering(target, sources), "stranger", WORLD)):
            for port in sorted(set(target.ports.values())) if name != workload.name else ():
                known = (name, workload.name, port) in declared
                if not known and not policies.holds(sources[name], target, port):
                    yield Finding(
                        workload.place,
                        f"{sources[name].name} reaches {workload.name}:{port} by the policies, "
                        "and no edge says so; declare it in `calls` or `stores`, or take the "
                        "rule out",
                    )
    yield from _outwards(subject, policies, peers)


def _jobs(
    subject: Subject, policies: Policies, peers: dict[str, Peer], declared: Declared
) -> Iterator[Finding]:
    """Add what runs once, which may reach what its workload may; yield set-ups that are cut off."""
    known = {each.name: each for each in subject.plan.workloads}
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
                f"{job.name} sets {workload.name} up, and no policy lets it; add one",
            )
        declared |= {(job.name, *end) for end in (*ends, *edges.get(workload.name, ()))}


def _outwards(subject: Subject, policies: Policies, peers: dict[str, Peer]) -> Iterator[Finding]:
    """Yield who leaves for the internet or the managed servers, and has no business there."""
    plan = subject.plan
    managed = {each.name for each in plan.managed}
    network = Peer(plan.settings.network, address=plan.settings.network.partition("/")[0])
    ports = {each.port for each in plan.managed} | {443}
    mine: dict[str, Declared] = {}
    for edge in plan.allowed:
        mine.setdefault(edge.source, set()).add((edge.source, edge.target, edge.port))
    ways = ((Peer("the internet", address=OUTSIDE), plan.externals), (network, managed))
    for workload in plan.workloads:
        for peer, ends in ways:
            own = {port for _, end, port in mine.get(workload.name, ()) if end in ends}
            for port in sorted(ports - own):
                if not policies.holds(peers[workload.name], peer, port):
                    yield Finding(
                        workload.place,
                        f"{workload.name} reaches {peer.name} on port {port} by the policies, and "
                        "no edge says so; declare it in `stores` or `externals`, or take it out",
                    )


GATE = Gate(
    id="NET002",
    title="The policies allow every declared edge and nothing else",
    phase="kubernetes",
    source="default deny: a way that nobody declared is how a break-in spreads",
    check=check,
    targets=("cluster",),
    looks_at="each NetworkPolicy, evaluated for every pair of workloads on every port, for jobs, "
    "the ingress, the monitoring, a pod of another namespace, the managed servers and the "
    "internet. DNS, telemetry and the mesh's own ports are no edges and are not judged.",
)
