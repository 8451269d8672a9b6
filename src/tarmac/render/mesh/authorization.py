"""Callers in the mesh: none is let in but those of declared edges, by their identities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.model import conventions
from tarmac.plan.cluster import AllowedConnection, ClusterPlan, Workload
from tarmac.render.kubernetes.parts.metadata import an_object, selector
from tarmac.render.kubernetes.parts.runs import edges, runs
from tarmac.render.renderer import Renderer

API, KIND = "security.istio.io/v1", "AuthorizationPolicy"
#: The mesh's own name, where no other one was chosen (istio.io: trust domain).
TRUST_DOMAIN = "cluster.local"
DENY_NOTES = (
    "No call is let in that no other policy here allows. A caller is the account in its",
    "certificate, so what a NetworkPolicy says by addresses is said here by identities.",
)


def principal(plan: ClusterPlan, account: str) -> str:
    """Name an account of the namespace as certificates of the mesh do."""
    return f"{TRUST_DOMAIN}/ns/{plan.namespace}/sa/{account}"


def accounts(plan: ClusterPlan) -> Mapping[str, str]:
    """Find the account of each sort of pods: what runs beside a workload has the workload's."""
    found = {workload.name: workload.name for workload in plan.workloads}
    for workload in plan.with_setups:
        found |= {run.name: workload.name for run in runs(workload)}
    return found


def _rules(
    plan: ClusterPlan,
    workload: Workload,
    reaching: Sequence[AllowedConnection],
    held: Mapping[str, str],
) -> Iterator[dict[str, Any]]:
    by_port: dict[int, set[str]] = {}
    for edge in reaching:
        by_port.setdefault(edge.port, set()).add(edge.source)
    for port, sources in sorted(by_port.items()):
        callers = sorted({principal(plan, held[one]) for one in sources - {"world"}})
        peers: list[dict[str, Any]] = []
        if "world" in sources:
            peers.append({"source": {"namespaces": [plan.settings.ingress.namespace]}})
        if callers:
            peers.append({"source": {"principals": callers}})
        yield {"from": peers, "to": [{"operation": {"ports": [str(port)]}}]}
    if workload.metrics is not None:
        asked: dict[str, Any] = {"ports": [str(workload.metrics)]}
        if workload.role == "service":  # a store's proxy reads no HTTP
            asked |= {"methods": ["GET"], "paths": [conventions.METRICS_PATH]}
        peer = {"source": {"namespaces": [plan.settings.monitoring]}}
        yield {"from": [peer], "to": [{"operation": asked}]}


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the policy that allows nothing, and one for each workload that has callers."""
    if not plan.settings.mesh:
        return
    yield an_object(plan, API, KIND, "default-deny", {"spec": {}}, notes=DENY_NOTES)
    by_target: dict[str, list[AllowedConnection]] = {}
    for edge in edges(plan):
        by_target.setdefault(edge.target, []).append(edge)
    held = accounts(plan)
    for workload in plan.workloads:
        rules = list(_rules(plan, workload, by_target.get(workload.name, ()), held))
        if rules:  # without any it would allow nothing, as the first one does
            chosen = {"matchLabels": selector(workload.name)}
            spec = {"selector": chosen, "action": "ALLOW", "rules": rules}
            yield an_object(plan, API, KIND, workload.name, {"spec": spec}, of=workload)


RENDERER = Renderer(
    id="istio-authorization",
    phase="mesh",
    title="AuthorizationPolicy: closed by default, open for each declared edge by identity",
    render=render,
)
