"""Which published charts keep an environment's signals, and where they are published."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base import versions
from tarmac.plan.cluster import ClusterPlan

STACK = "kube-prometheus-stack"
#: Chart -> where it is published.
HOMES = {
    STACK: "https://prometheus-community.github.io/helm-charts",
    "loki": "https://grafana-community.github.io/helm-charts",
    "alloy": "https://grafana.github.io/helm-charts",
    "tempo": "https://grafana-community.github.io/helm-charts",
    "jaeger": "https://jaegertracing.github.io/helm-charts",
    "opencost": "https://opencost.github.io/opencost-helm-chart",
    "opentelemetry-collector": "https://open-telemetry.github.io/opentelemetry-helm-charts",
}


def used(plan: ClusterPlan) -> Iterator[str]:
    """Yield the charts of an environment; the first one brings the kinds of others' monitors."""
    observability = plan.settings.observability
    if observability is None:
        return
    if observability.metrics == "prometheus":
        yield STACK
        if observability.costs:
            yield "opencost"
    if observability.logs:
        yield from ("loki", "alloy")
    if observability.traces:
        yield from (observability.traces, "opentelemetry-collector")


def number(chart: str) -> str:
    """Give the version of a chart itself; its program has another one."""
    return versions.read().charts[chart].version
