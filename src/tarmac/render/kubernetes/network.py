"""Network policies: everything is closed, and each declared edge is opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.model import vault
from tarmac.plan.cluster import AllowedConnection, ClusterPlan, Workload
from tarmac.render.kubernetes.parts import vault_access
from tarmac.render.kubernetes.parts.egress import egress, pods, space, tcp
from tarmac.render.kubernetes.parts.metadata import an_object, selector
from tarmac.render.kubernetes.parts.runs import Edges, Run, edges_by_end, runs
from tarmac.render.renderer import Renderer

API = "networking.k8s.io/v1"
DENY_NOTES = (
    "Nothing comes in or goes out that no other policy here allows.",
    "Policies need a network plug-in that enforces them: on EKS the VPC CNI's policy agent.",
)


def _ingress(
    plan: ClusterPlan, workload: Workload, reaching: Sequence[AllowedConnection]
) -> Iterator[dict[str, Any]]:
    by_port: dict[int, list[dict[str, Any]]] = {}
    for edge in reaching:
        world = edge.source == "world"
        peer = space(plan.settings.ingress.namespace) if world else pods(edge.source)
        by_port.setdefault(edge.port, []).append(peer)
    for port, peers in sorted(by_port.items()):
        yield {"from": peers, "ports": tcp(port)}
    if vault_access.is_installed(plan) and any(one.store == workload.name for one in plan.leases):
        port = next(iter(workload.ports.values()))
        yield {"from": [space(vault.NAMESPACE)], "ports": tcp(port)}
    if workload.metrics is not None:
        yield {"from": [space(plan.settings.monitoring)], "ports": tcp(workload.metrics)}


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
        "egress": list(
            egress(
                plan,
                declared.by_source.get(name, ()),
                observed=observed,
                asks_for_keys=workload.caller_keys and run is None,
            )
        ),
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
    for setup in plan.setups:
        for run in runs(setup):
            yield policy(plan, declared, setup, run)


RENDERER = Renderer(
    id="k8s-network",
    phase="security",
    title="NetworkPolicy: closed by default, open for each declared edge",
    render=render,
)
