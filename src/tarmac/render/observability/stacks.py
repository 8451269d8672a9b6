"""What keeps signals in the cluster, as values for the charts that others publish."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.observability.alerting import routing
from tarmac.render.observability.charts import costs, logs, prometheus, traces
from tarmac.render.observability.charts.used import HOMES, number, used
from tarmac.render.renderer import Renderer


def content(plan: ClusterPlan, chart: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return a chart's values, and notes on them."""
    match chart:
        case "kube-prometheus-stack":
            return prometheus.stack(plan, routing.values(plan)), prometheus.NOTES
        case "opencost":
            return costs.exporter(plan), ()
        case "loki":
            return logs.loki(), ()
        case "alloy":
            return logs.alloy(plan), logs.ALLOY_NOTES
        case "opentelemetry-collector":
            return traces.collector(plan), traces.OTEL_NOTES
        case _:
            return traces.storage(chart), ()


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the values of each chart of the environment, with the command that installs it."""
    for chart in used(plan):
        written, notes = content(plan, chart)
        version = number(chart)
        install = (
            f"helm upgrade --install {chart} {chart} --repo {HOMES[chart]} --version {version}",
            f"  --namespace {plan.settings.monitoring} --create-namespace --values {chart}.yaml",
        )
        path = f"observability/values/{chart}.yaml"
        yield Artifact(path, written, plan.model, notes=(*install, *notes))


RENDERER = Renderer(
    id="observability-values",
    phase="observability",
    title="Values for the charts of Prometheus, Grafana, Loki, Alloy, OpenCost, traces",
    render=render,
)
