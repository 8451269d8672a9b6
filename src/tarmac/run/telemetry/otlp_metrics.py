"""Decodes OTLP's metrics, under the names that Prometheus gives them.

`http.server.request.duration` in seconds becomes `http_server_request_duration_seconds_bucket` and
so on (opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics). That one is also
read as what the kit's services measure of their requests, so that charts and objectives have it.
Exponential histograms are left out but for their count and sum.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from tarmac.plan.slo import indicator
from tarmac.run.telemetry import otlp, otlp_message
from tarmac.run.telemetry.sample import MOST_SERIES, SeriesKey

if TYPE_CHECKING:
    from opentelemetry.proto.metrics.v1 import metrics_pb2

DELTA = 1
#: The specification's names of units; any other stays as it is, if it is a word.
UNITS = {
    "s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds",
    "min": "minutes", "h": "hours", "d": "days", "By": "bytes", "KiBy": "kibibytes",
    "MiBy": "mebibytes", "%": "percent", "m": "meters", "V": "volts", "A": "amperes",
    "J": "joules", "W": "watts", "g": "grams", "Cel": "celsius", "Hz": "hertz",
}  # fmt: skip
#: OpenTelemetry's measurement of a server's requests, and its labels as the kit has them.
SERVED = "http_server_request_duration_seconds"
SERVED_LABELS = {
    "http_request_method": "method",
    "http_route": "route",
    "http_response_status_code": "status",
}


@dataclass(frozen=True)
class PushedMetrics:
    """What one instance sent at once."""

    service: str
    instance: str
    #: When it began to count, in nanoseconds since the epoch; 0 where it does not say.
    began_ns: int = 0
    #: What counters stand at, and by how much others have grown since they were last sent.
    counters: dict[SeriesKey, float] = field(default_factory=dict)
    increases: dict[SeriesKey, float] = field(default_factory=dict)
    gauges: dict[SeriesKey, float] = field(default_factory=dict)


def pushed(body: bytes, *, is_json: bool) -> list[PushedMetrics]:
    """Decode an ExportMetricsServiceRequest. Raises UnreadableRequest."""
    decode = otlp_message.of_json if is_json else otlp_message.of_protobuf
    request = decode(ExportMetricsServiceRequest, body)
    return [_pushed(group) for group in request.resource_metrics]


def _pushed(group: metrics_pb2.ResourceMetrics) -> PushedMetrics:
    service, instance = otlp.named(otlp.attributes_of(group.resource.attributes))
    counters: dict[SeriesKey, float] = {}
    increases: dict[SeriesKey, float] = {}
    gauges: dict[SeriesKey, float] = {}
    # A counter's start is its process's; an increase's is when the one before was sent.
    began_ns = {True: 0, False: 0}
    for scope in group.scope_metrics:
        for metric in scope.metrics:
            kind = metric.WhichOneof("data")
            data = getattr(metric, kind) if kind else None
            into = (
                gauges if kind == "gauge" or not getattr(data, "is_monotonic", True) else counters
            )
            if into is counters and getattr(data, "aggregation_temporality", 0) == DELTA:
                into = increases
            for point in getattr(data, "data_points", ()):
                if into is not gauges and (start := point.start_time_unix_nano):
                    known = began_ns[into is counters]
                    began_ns[into is counters] = min(known or start, start)
                for key, value in _series(metric, kind or "", point):
                    fits = len(counters) + len(increases) + len(gauges) < MOST_SERIES
                    if math.isfinite(value) and fits:
                        into[key] = value
    began = began_ns[True] or began_ns[False]
    return PushedMetrics(service, instance, began, counters, increases, gauges)


def _series(metric: metrics_pb2.Metric, kind: str, point: Any) -> Iterator[tuple[SeriesKey, float]]:
    name = prometheus_name(metric.name, metric.unit)
    read = otlp.attributes_of(point.attributes)
    labels = {_word(key): _label(value) for key, value in read.items()}
    if kind in ("gauge", "sum"):
        grows = kind == "sum" and metric.sum.is_monotonic
        value = point.as_int if point.WhichOneof("value") == "as_int" else point.as_double
        named = f"{name}_total" if grows and not name.endswith("_total") else name
        yield _key(named, labels), value
        return
    yield _key(f"{name}_count", labels), point.count
    yield _key(f"{name}_sum", labels), point.sum
    if name == SERVED:
        known = {SERVED_LABELS.get(key, key): value for key, value in labels.items()}
        yield _key(indicator.REQUESTS, known), point.count
    for bound, count in _buckets(point) if kind == "histogram" else ():
        yield _key(f"{name}_bucket", {**labels, "le": bound}), count
        if name == SERVED:
            yield _key(f"{indicator.DURATION}_bucket", {**known, "le": bound}), count


def _buckets(point: metrics_pb2.HistogramDataPoint) -> Iterator[tuple[str, float]]:
    """Yield cumulative buckets, as Prometheus has them: OTLP counts each for itself."""
    bounds = [indicator.le(bound) for bound in point.explicit_bounds]
    total = 0
    for bound, count in zip([*bounds, "+Inf"], point.bucket_counts, strict=False):
        total += count
        yield bound, total


def prometheus_name(name: str, unit: str) -> str:
    """Name a metric as Prometheus does, with its unit at the end."""
    word = _word(name)
    called = UNITS.get(unit, unit if re.fullmatch(r"[a-z]+", unit) else "")
    return word if not called or word.endswith(f"_{called}") else f"{word}_{called}"


def _word(name: str) -> str:
    word = re.sub(r"[^a-zA-Z0-9_:]+", "_", name).strip("_")
    return f"_{word}" if word[:1].isdigit() else word


def _label(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _key(name: str, labels: dict[str, str]) -> SeriesKey:
    return SeriesKey(name, tuple(sorted(labels.items())))
