"""Values of alerts on what a cluster costs."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.texts import Values

#: Of a month, on average.
HOURS = 730


def costs(plan: ClusterPlan) -> Iterator[Values]:
    """Give the limits of an environment whose costs are measured."""
    watched = plan.settings.observability
    if watched is None or watched.costs is None:
        return
    limit = watched.costs
    yield {
        "spike": f"{limit.spike:g}",
        # A node at 10 USD an hour: what it costs below the limit, and five points above it.
        "below_spike": f"{10 + limit.spike / 10 - 0.001:g}",
        "above_spike": f"{10 + limit.spike / 10 + 0.5:g}",
        "spike_shown": _humanized(limit.spike + 5),
        "idle": f"{limit.idle:g}",
        # Cores that pods have of a node with 10, at 1 USD an hour each.
        "busy": f"{10 - limit.idle / 10 + 0.001:g}",
        "too_idle": f"{10 - limit.idle / 10 - 0.05:g}",
        "idle_shown": _humanized(limit.idle + 0.5),
    }


def budgets(plan: ClusterPlan) -> Iterator[Values]:
    """Give the budget of an environment that has one."""
    watched = plan.settings.observability
    if watched is None or watched.costs is None or watched.costs.budget is None:
        return
    budget = watched.costs.budget
    yield {
        "budget": f"{budget:g}",
        "hours": str(HOURS),
        "environment": plan.environment,
        "within": f"{0.9 * budget / HOURS:.9f}",
        "at_most": f"{0.999 * budget / HOURS:.9f}",
        "over": f"{1.1 * budget / HOURS:.9f}",
        "over_shown": _humanized(1.1 * budget),
    }


def _humanized(value: float) -> str:
    """Write a number of at least 1 as Prometheus does."""
    for prefix in ("", "k", "M"):
        if value < 1000:
            return f"{value:.4g}{prefix}"
        value /= 1000
    return f"{value:.4g}G"


VALUES = {"costs": costs, "budgets": budgets}
