"""Spans and W3C trace context: ids of our own, and OpenTelemetry's SDK once somebody exports.

Used by the request middleware, the client, the outbox and the consumers. Ids are real and travel
in `traceparent`. A span that nobody will see would cost each request more than anything else here,
so spans are ids only until `provider()` is asked for. It exports nothing by itself.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import Token
from functools import cache

from opentelemetry import context as otel_context
from opentelemetry import trace as otel
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_EMPTY = otel_context.Context()
#: What every caller sends today; other versions are left to OpenTelemetry.
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-0([01])", re.ASCII)
#: The tracer, from the first call of `provider` on.
_tracers: list[otel.Tracer] = []


@cache
def provider() -> TracerProvider:
    """Return the process's tracer provider; add span processors to it to export spans.

    Spans that begin after the first call are recorded.
    """
    # An explicit resource: the SDK's detectors cost 10 ms of start and are not needed for ids.
    made = TracerProvider(resource=Resource({}), shutdown_on_exit=False)
    _tracers.append(made.get_tracer("tarmac_kit"))
    return made


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
    started, token = begin(name, kind=kind, carrier=carrier)
    try:
        yield started
    except Exception as error:
        started.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        end(started, token)


def begin(
    name: str, *, kind: SpanKind, carrier: Mapping[str, str] | None
) -> tuple[Span, Token[otel_context.Context]]:
    """Start a span and make it the current one; for who cannot use `span`. See there."""
    parent = None if carrier is None else _context_of(carrier)
    if _tracers:
        started = _tracers[0].start_span(name, context=parent, kind=kind)
    else:
        above = otel.INVALID_SPAN if parent is _EMPTY else otel.get_current_span(parent)
        started = _ids_below(above.get_span_context())
    return started, otel_context.attach(otel.set_span_in_context(started, parent))


def end(started: Span, token: Token[otel_context.Context]) -> None:
    """End what `begin` started; the span before it is the current one again."""
    otel_context.detach(token)
    started.end()


def _context_of(carrier: Mapping[str, str]) -> otel_context.Context:
    """Return what the carrier's headers say, as OpenTelemetry's propagator would."""
    header = carrier.get("traceparent")
    if header is None:
        return _EMPTY
    found = None if carrier.get("tracestate") else _TRACEPARENT.fullmatch(header)
    if found is None:
        return _propagator.extract(carrier, _EMPTY)
    trace_id, span_id, flags = (int(part, 16) for part in found.groups())
    remote = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
    return otel.set_span_in_context(NonRecordingSpan(remote), _EMPTY) if remote.is_valid else _EMPTY


def _ids_below(above: SpanContext) -> Span:
    """Return a span that is only ids: the trace of the one above, or a new one, sampled."""
    span_id = random.getrandbits(64) or 1
    if above.is_valid:
        own = SpanContext(above.trace_id, span_id, False, above.trace_flags, above.trace_state)
    else:
        trace_id = random.getrandbits(128) or 1
        own = SpanContext(trace_id, span_id, False, _SAMPLED)
    return NonRecordingSpan(own)
