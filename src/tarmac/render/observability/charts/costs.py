"""Values for the chart of OpenCost, which exports what nodes and pods cost."""

from __future__ import annotations

from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.observability.charts.values import chart_values


def exporter(plan: ClusterPlan) -> dict[str, Any]:
    """Read prices of the cloud and sizes of the cluster's Prometheus."""
    cluster = f"{plan.system}-{plan.environment}"
    return chart_values("opencost", {"cluster": cluster, "monitoring": plan.settings.monitoring})
