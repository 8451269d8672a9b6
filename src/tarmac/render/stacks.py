"""What keeps signals in the cluster, as values for the charts that others publish."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac import versions
from tarmac.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import _alertmanager, _prometheus, _stacks
from tarmac.render._renderer import Renderer

#: Chart -> where it is published.
HOMES = {
    "kube-prometheus-stack": "https://prometheus-community.github.io/helm-charts",
    "loki": "https://grafana-community.github.io/helm-charts",
    "alloy": "https://grafana.github.io/helm-charts",
    "tempo": "https://grafana-community.github.io/helm-charts",
    "jaeger": "https://jaegertracing.github.io/helm-charts",
    "opentelemetry-collector": "https://open-telemetry.github.io/opentelemetry-helm-charts",
}


def values(
    plan: ClusterPlan,
    chart: str,
    content: dict[str, Any],
    *notes: str,
    homes: dict[str, str] = HOMES,
) -> Artifact:
    """Make the values of one chart, with the command that installs it."""
    version = versions.read().charts[chart].version
    install = (
        f"helm upgrade --install {chart} {chart} --repo {homes[chart]} --version {version}",
        f"  --namespace {plan.settings.monitoring} --create-namespace --values {chart}.yaml",
    )
    path = f"observability/values/{chart}.yaml"
    return Artifact(path, content, plan.model, notes=(*install, *notes))


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the values of each chart that the environment asks for."""
    observability = plan.settings.observability
    if observability is None:
        return
    if observability.metrics == "prometheus":
        content = _prometheus.stack(plan, _alertmanager.values(plan))
        yield values(plan, "kube-prometheus-stack", content, *_prometheus.NOTES)
    if observability.logs:
        yield values(plan, "loki", _stacks.loki(plan))
        yield values(plan, "alloy", _stacks.alloy(plan), *_stacks.ALLOY_NOTES)
    if observability.traces:
        makers = {"tempo": _stacks.tempo, "jaeger": _stacks.jaeger}
        yield values(plan, observability.traces, makers[observability.traces](plan))
        name = "opentelemetry-collector"
        yield values(plan, name, _stacks.collector(plan), *_stacks.OTEL_NOTES)


RENDERER = Renderer(
    id="observability-values",
    phase="observability",
    title="Values for the charts of Prometheus, Grafana, Loki, Alloy, traces and their collector",
    render=render,
)
