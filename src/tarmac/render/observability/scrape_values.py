"""Values of others' charts that have Prometheus read them: without, alerts on them cannot fire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tarmac.base import signals
from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.observability.alerting.catalogue import alerts
from tarmac.render.observability.alerting.values.cluster import METRIC
from tarmac.render.renderer import Renderer

#: Chart -> what differs from its own values; all leave their monitor out. Argo CD's are in argocd/.
CHARTS: Mapping[str, dict[str, Any]] = {
    # Its kinds as well: by itself the chart expects them to be installed.
    "cert-manager": {
        "crds": {"enabled": True},
        "prometheus": {"servicemonitor": {"enabled": True}},
    },
    "external-secrets": {"serviceMonitor": {"enabled": True}},
    "flagger": {"podMonitor": {"enabled": True}},
    "argo-rollouts": {
        "controller": {"metrics": {"enabled": True, "serviceMonitor": {"enabled": True}}}
    },
}
NOTES = (
    "Goes with the chart's other values, wherever it is installed: alerts need its metrics, and",
    "SourceMissing fires while there are none. Its monitor is one of the Prometheus operator's",
    "kinds, so kube-prometheus-stack is installed before. bootstrap/start.sh, where there is one,",
    "does both.",
)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the values of each chart whose metrics an alert of this environment needs."""
    known = signals.read()
    asked = {
        known[word].chart
        for group in alerts(plan).values()
        for alert in group
        for word in METRIC.findall(alert.expr)
        if word in known
    }
    for chart, content in CHARTS.items():
        if chart in asked:
            yield Artifact(f"observability/values/{chart}.yaml", content, plan.model, notes=NOTES)


RENDERER = Renderer(
    id="scraped-values",
    phase="observability",
    title="Values for external charts, so that Prometheus scrapes the metrics of alerts",
    render=render,
)
