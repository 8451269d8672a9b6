"""Who may talk to whom: everything is closed, and each declared edge is opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tarmac.artifact import Artifact
from tarmac.plan import spans
from tarmac.plan.cluster import Allowed, ClusterPlan, Workload
from tarmac.render._objects import an_object, selector
from tarmac.render._renderer import Renderer
from tarmac.render._runs import Edges, Run, edges_by_end, runs

API = "networking.k8s.io/v1"
#: The label that every namespace has by itself.
NAMESPACE = "kubernetes.io/metadata.name"
#: Networks that are nobody's on the internet: the cluster's own, the cloud's, and the address at
#: which a cloud hands out its credentials.
PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
# Of Istio's control plane a sidecar needs only this: certificates and configuration, over TLS
# (istio.io: ports used by Istio). Between pods nothing else is open: a sidecar takes a connection
# over inside the pod, so what a policy sees is the service's own port. 15008 is ambient mode's.
ISTIOD_PORT = 15012

DENY_NOTES = (
    "Nothing comes in or goes out that no other policy here allows.",
    "Policies need a network plug-in that enforces them: on EKS the VPC CNI's policy agent.",
)


def _tcp(*ports: int) -> list[dict[str, Any]]:
    return [{"protocol": "TCP", "port": port} for port in ports]


def _pods(name: str) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": selector(name)}}


def _space(name: str, **labels: str) -> dict[str, Any]:
    peer: dict[str, Any] = {"namespaceSelector": {"matchLabels": {NAMESPACE: name}}}
    return {**peer, "podSelector": {"matchLabels": labels}} if labels else peer


def _ingress(
    plan: ClusterPlan, workload: Workload, reaching: Sequence[Allowed]
) -> Iterator[dict[str, Any]]:
    by_port: dict[int, list[dict[str, Any]]] = {}
    for edge in reaching:
        world = edge.source == "world"
        peer = _space(plan.settings.ingress.namespace) if world else _pods(edge.source)
        by_port.setdefault(edge.port, []).append(peer)
    for port, peers in sorted(by_port.items()):
        yield {"from": peers, "ports": _tcp(port)}
    if workload.metrics is not None:
        yield {"from": [_space(plan.settings.monitoring)], "ports": _tcp(workload.metrics)}


def _egress(
    plan: ClusterPlan, reached: Sequence[Allowed], *, observed: bool
) -> Iterator[dict[str, Any]]:
    dns = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    yield {"to": [_space("kube-system", **{"k8s-app": "kube-dns"})], "ports": dns}
    if observed and spans.taken_by(plan.settings):
        to = [_space(plan.settings.monitoring)]
        yield {"to": to, "ports": _tcp(spans.GRPC, spans.HTTP)}
    if plan.settings.mesh:
        yield {"to": [_space("istio-system", app="istiod")], "ports": _tcp(ISTIOD_PORT)}
    seen: set[tuple[str, int]] = set()
    for edge in reached:
        if edge.target_role == "managed":
            where = "managed"
            peer: dict[str, Any] = {"ipBlock": {"cidr": plan.settings.network}}
        elif edge.target_role == "external":
            block: dict[str, Any] = {"cidr": "0.0.0.0/0", "except": list(PRIVATE)}
            where, peer = "external", {"ipBlock": block}
        else:
            where, peer = edge.target, _pods(edge.target)
        if (where, edge.port) not in seen:  # several stores may share a server's port
            seen.add((where, edge.port))
            yield {"to": [peer], "ports": _tcp(edge.port)}


def policy(
    plan: ClusterPlan, declared: Edges, workload: Workload, run: Run | None = None
) -> Artifact:
    """Open a workload's declared edges, or those of what runs to its end beside it."""
    name = run.name if run else workload.name
    observed = workload.role == "service" and (run is None or run.role == "task")
    reaching = declared.by_target.get(name, ())
    spec = {
        "podSelector": {"matchLabels": selector(name)},
        "policyTypes": ["Ingress", "Egress"],
        # Without any it stays away: an empty list is dropped by the server, and would be set again
        # at every apply.
        **({} if run else {"ingress": list(_ingress(plan, workload, reaching))}),
        "egress": list(_egress(plan, declared.by_source.get(name, ()), observed=observed)),
    }
    return an_object(plan, API, "NetworkPolicy", name, {"spec": spec}, of=workload)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the policy that closes everything, and one for each sort of pods."""
    closed = {"spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}
    yield an_object(plan, API, "NetworkPolicy", "default-deny", closed, notes=DENY_NOTES)
    declared = edges_by_end(plan)
    for workload in plan.workloads:
        yield policy(plan, declared, workload)
        for run in runs(workload):
            yield policy(plan, declared, workload, run)


RENDERER = Renderer(
    id="k8s-network",
    phase="security",
    title="NetworkPolicy: closed by default, open for each declared edge",
    render=render,
)
