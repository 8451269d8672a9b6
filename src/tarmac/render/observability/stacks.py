"""What keeps signals in the cluster, as values for the charts that others publish."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac.base import versions
from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.observability.alerting import routing
from tarmac.render.observability.charts import costs, logs, prometheus, traces
from tarmac.render.renderer import Renderer

#: Chart -> where it is published.
HOMES = {
    "kube-prometheus-stack": "https://prometheus-community.github.io/helm-charts",
    "loki": "https://grafana-community.github.io/helm-charts",
    "alloy": "https://grafana.github.io/helm-charts",
    "tempo": "https://grafana-community.github.io/helm-charts",
    "jaeger": "https://jaegertracing.github.io/helm-charts",
    "opencost": "https://opencost.github.io/opencost-helm-chart",
    "opentelemetry-collector": "https://open-telemetry.github.io/opentelemetry-helm-charts",
}


def values(plan: ClusterPlan, chart: str, content: dict[str, Any], *notes: str) -> Artifact:
    """Make the values of one chart, with the command that installs it."""
    version = versions.read().charts[chart].version
    install = (
        f"helm upgrade --install {chart} {chart} --repo {HOMES[chart]} --version {version}",
        f"  --namespace {plan.settings.monitoring} --create-namespace --values {chart}.yaml",
    )
    path = f"observability/values/{chart}.yaml"
    return Artifact(path, content, plan.model, notes=(*install, *notes))


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the values of each chart of the environment."""
    observability = plan.settings.observability
    if observability is None:
        return
    if observability.metrics == "prometheus":
        content = prometheus.stack(plan, routing.values(plan))
        yield values(plan, "kube-prometheus-stack", content, *prometheus.NOTES)
        if observability.costs:
            yield values(plan, "opencost", costs.exporter(plan))
    if observability.logs:
        yield values(plan, "loki", logs.loki())
        yield values(plan, "alloy", logs.alloy(plan), *logs.ALLOY_NOTES)
    if observability.traces:
        yield values(plan, observability.traces, traces.storage(observability.traces))
        name = "opentelemetry-collector"
        yield values(plan, name, traces.collector(plan), *traces.OTEL_NOTES)


RENDERER = Renderer(
    id="observability-values",
    phase="observability",
    title="Values for the charts of Prometheus, Grafana, Loki, Alloy, OpenCost, traces",
    render=render,
)
