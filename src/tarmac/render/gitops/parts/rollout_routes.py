"""The routes by which a Rollout divides requests, and the plugin that does it."""

from __future__ import annotations

from tarmac.plan import analysis
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.kubernetes.parts.gateway_api import route_name

#: The plugin's name in the controller's configuration.
PLUGIN = "argoproj-labs/gatewayAPI"


def divided(plan: ClusterPlan, workload: Workload) -> list[str]:
    """Name the routes by which requests come: from outside, and from the other services."""
    found = []
    if plan.settings.ingress.kind == "gateway":
        found += sorted({route_name(route.host) for route in workload.routes})
    return [*found, mesh_name(workload)] if plan.settings.mesh else found


def share_entry(plan: ClusterPlan) -> bool:
    """Tell whether Rollouts wait for routes of the entry, as these do for the services behind."""
    tried = analysis.canary_services(plan, "argo")
    return plan.settings.ingress.kind == "gateway" and any(w.routes for w in tried)


def mesh_name(workload: Workload) -> str:
    """Name the route of requests from within."""
    return f"{workload.name}-mesh"
