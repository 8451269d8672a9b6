"""What dashboards ask a plan: which services are scraped, called, and export a metric."""

from __future__ import annotations

from tarmac.base.launch import redact
from tarmac.plan.cluster import ClusterPlan, Workload

#: Recorded: how often a service was deployed in the last day (`charts/deployments.py`).
DEPLOYMENTS = "service:deployments:count1d"


def latency(plan: ClusterPlan, workload: Workload) -> float | None:
    """Find the seconds of a service's latency objective."""
    own = (objective for objective in plan.objectives if objective.service == workload.name)
    return next((found.latency for found in own if found.latency is not None), None)


def is_called(plan: ClusterPlan, workload: Workload) -> bool:
    """Tell whether a service gets requests: one that consumes messages alone gets none."""
    return any(edge.target == workload.name for edge in plan.allowed)


def setting(workload: Workload, variable: str) -> str:
    """Read a variable of a service; empty where it has none."""
    found = workload.env.get(variable)
    return redact(found.value) if found else ""
