"""Spans and W3C trace context on the OpenTelemetry SDK, without an exporter.

Used by the request middleware, the client, the outbox and the consumers. Ids are real and travel
in `traceparent`; a processor with an exporter can be added to `provider()` by whoever has one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache

from opentelemetry import context as otel_context
from opentelemetry import trace as otel
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()


@cache
def provider() -> TracerProvider:
    """Return the process's tracer provider; add span processors to it to export spans."""
    # An explicit resource: the SDK's detectors cost 10 ms of start and are not needed for ids.
    return TracerProvider(resource=Resource({}), shutdown_on_exit=False)


@cache
def _tracer() -> otel.Tracer:
    return provider().get_tracer("tarmac_kit")


def current_ids() -> tuple[str, str]:
    """Return the hex trace id and span id in hand, or two empty strings."""
    context = otel.get_current_span().get_span_context()
    if not context.is_valid:
        return "", ""
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def inject(headers: dict[str, str]) -> dict[str, str]:
    """Add `traceparent` (and `tracestate`) of the current span to `headers` and return it."""
    _propagator.inject(headers)
    return headers


@contextmanager
def span(
    name: str, *, kind: SpanKind = SpanKind.INTERNAL, carrier: Mapping[str, str] | None = None
) -> Iterator[Span]:
    """Run the block in a new span: a child of `carrier`'s context, or of the current one."""
    parent = None if carrier is None else _propagator.extract(carrier, otel_context.Context())
    started = _tracer().start_span(name, context=parent, kind=kind)
    token = otel_context.attach(otel.set_span_in_context(started, parent))
    try:
        yield started
    except Exception as error:
        started.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        otel_context.detach(token)
        started.end()
