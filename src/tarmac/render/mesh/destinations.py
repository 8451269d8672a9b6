"""What the mesh does with the endpoints of each service that is called."""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.plan.analysis import rollout_controller
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.kubernetes.parts import identity
from tarmac.render.kubernetes.parts.metadata import an_object
from tarmac.render.mesh.parts.traffic_policy import traffic_policy
from tarmac.render.renderer import Renderer

NOTES = (
    "An endpoint that fails five times in a row gets no requests for 30 seconds, then some again.",
    "Clients have limits and retries of their own; here a proxy tries nothing twice.",
)


def _hosts(plan: ClusterPlan, workload: Workload) -> tuple[str, ...]:
    """Name the Services that requests are sent to; Flagger makes the rules of its own itself."""
    match rollout_controller(plan, workload.name):
        case "flagger":
            return ()
        case "argo":
            name = workload.name
            return (name, identity.stable(name), identity.canary(name))
        case None:
            return (workload.name,)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield a DestinationRule for each Service by which a service is called."""
    if not plan.settings.mesh:
        return
    called = {edge.target for edge in plan.allowed if edge.target_role == "service"}
    for workload in plan.services:
        for name in _hosts(plan, workload) if workload.name in called else ():
            host = f"{name}.{plan.namespace}.svc.cluster.local"
            body = {"spec": {"host": host, "trafficPolicy": traffic_policy()}}
            kind, api = "DestinationRule", "networking.istio.io/v1"
            yield an_object(plan, api, kind, name, body, of=workload, notes=NOTES)


RENDERER = Renderer(
    id="istio-destinations",
    phase="mesh",
    title="DestinationRule of each called service: mutual TLS, limits, outlier detection",
    render=render,
)
