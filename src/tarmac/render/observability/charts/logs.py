"""Values for the published charts that keep logs: Loki, and Alloy, which reads them.

Each is what differs from the chart's own values, and why: assets/observability/values. Sizes are
for a system of this size; larger systems raise them here, by a patch.
"""

from __future__ import annotations

from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.assets import asset
from tarmac.render.observability.charts.values import chart_values

#: Where a chart's release of that name listens.
LOKI = "http://loki-gateway.{space}.svc"
ALLOY_NOTES = (
    "Alloy is the successor of Promtail, which had its last release in March 2026",
    "(grafana.com/docs/loki/latest/send-data/promtail).",
)
#: Every container's log of this node: labels by which it is found, and of a JSON line the level as
#: a label and the trace's id beside the line. Other values would make a stream each.
ALLOY = "observability/logs.alloy"


def loki() -> dict[str, Any]:
    """Keep logs in one server with a disk: they outlive it, and its pod."""
    return chart_values("loki", {})


def alloy(plan: ClusterPlan) -> dict[str, Any]:
    """Read every container's log where it is written, on each node."""
    url = LOKI.format(space=plan.settings.monitoring)
    return chart_values("alloy", {"alloy": asset(ALLOY).replace("@LOKI@", url)})
