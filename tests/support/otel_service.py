"""A service that knows nothing of the kit: OpenTelemetry's SDK, set up by its environment alone.

`python otel_service.py TIMES` serves a request so many times: a span, a log record within it, a
counter and the duration by OpenTelemetry's names. It ends when all of it is sent.
"""

from __future__ import annotations

import logging
import os
import sys

from opentelemetry import metrics, trace
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

if os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter


def main(times: int) -> None:
    """Serve so many requests and send what was seen of them."""
    spans, records = TracerProvider(), LoggerProvider()
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    records.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])
    trace.set_tracer_provider(spans)
    metrics.set_meter_provider(meters)
    logger = logging.getLogger("shipping")
    logger.addHandler(LoggingHandler(logger_provider=records))
    tracer, meter = trace.get_tracer("shipping"), metrics.get_meter("shipping")
    parcels = meter.create_counter("parcels.sent", unit="{parcel}")
    served = meter.create_histogram(
        "http.server.request.duration",
        unit="s",
        explicit_bucket_boundaries_advisory=[0.005, 0.01, 0.025, 0.05, 0.1, 1, 10],
    )
    for number in range(times):
        with tracer.start_as_current_span("POST /parcels", kind=trace.SpanKind.SERVER):
            logger.warning("parcel %d is heavy", number, extra={"weight_kg": 40})
            parcels.add(1, {"carrier": "post"})
            status = 500 if number == 0 else 201
            known = {"http.request.method": "POST", "http.route": "/parcels"}
            served.record(0.02, {**known, "http.response.status_code": status})
    for provider in (spans, records, meters):
        provider.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]))
