"""Values for the published charts that keep traces: the collector, Tempo, Jaeger.

Each is what differs from the chart's own values, and why: assets/observability/values. Sizes are
for a system of this size; larger systems raise them here, by a patch.
"""

from __future__ import annotations

from typing import Any

from tarmac.plan import spans
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.observability.charts.values import chart_values

#: Where spans are received, by OTLP.
PORTS = {"grpc": str(spans.GRPC), "http": str(spans.HTTP)}
OTEL_NOTES = (
    "Traces come in by OTLP, metrics stay with Prometheus and logs with Alloy.",
    "Services are given its address, OTEL_EXPORTER_OTLP_ENDPOINT: those of the kit send their",
    "spans there, of every trace unless OTEL_TRACES_SAMPLER says less.",
)


def storage(kind: str) -> dict[str, Any]:
    """Keep traces: in a server of Tempo with a disk, or the last ones in Jaeger's memory."""
    return chart_values(kind, PORTS)


def _port(number: int) -> dict[str, Any]:
    return {"enabled": True, "containerPort": number, "servicePort": number}


def collector(plan: ClusterPlan) -> dict[str, Any]:
    """Take spans from services, and hand them on in batches."""
    observability = plan.settings.observability
    # A chart's release has the name of what keeps traces, and so has its Service.
    kept = (observability and observability.traces) or "tempo"
    own = {"collector": spans.COLLECTOR, "kept": kept, "space": plan.settings.monitoring}
    found = chart_values("opentelemetry-collector", {**PORTS, **own})
    found["ports"] |= {"otlp": _port(spans.GRPC), "otlp-http": _port(spans.HTTP)}
    return found
