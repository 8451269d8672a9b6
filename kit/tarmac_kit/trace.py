"""Spans and W3C trace context: ids of our own, and a tracer's spans where they are sent.

Used by the request middleware, the client, the outbox and the consumers. Ids are real and travel in
`traceparent`. A span that is never exported would cost each request more than anything else here,
so spans are ids only until `otlp_exporter` gives its tracer. It sends nothing by itself.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass

from opentelemetry import context as otel_context
from opentelemetry import trace as otel
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
from opentelemetry.util.types import Attributes

_propagator = TraceContextTextMapPropagator()
_SAMPLED, _UNSAMPLED = TraceFlags(TraceFlags.SAMPLED), TraceFlags(TraceFlags.DEFAULT)
_EMPTY = otel_context.Context()
#: What every caller sends today; other versions are left to OpenTelemetry.
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-0([0-3])", re.ASCII)


@dataclass(frozen=True)
class FinishedSpan:
    """An operation on a store that is over, below the span of these ids."""

    name: str
    above: SpanContext
    started_ns: int
    ended_ns: int
    attributes: Mapping[str, str | int]
    #: The name of an exception or a status, never a text; empty where it did not fail.
    error: str = ""


@dataclass(frozen=True)
class SpanSource:
    """What makes the spans of one service, where they are sent."""

    tracer: otel.Tracer
    #: Sends a span that is over already: most are, and one of the SDK's costs three times as much.
    record: Callable[[FinishedSpan], None]


#: Makes the current spans, where they are sent: of a request, of a task of the process.
#: Two services in one process have one each.
source: ContextVar[SpanSource | None] = ContextVar("tarmac_spans", default=None)


class _Ids(NonRecordingSpan):
    """A span that is only ids, written out once: a request writes them three times."""

    def __init__(self, context: SpanContext) -> None:
        super().__init__(context)
        self.hex = (f"{context.trace_id:032x}", f"{context.span_id:016x}")


def ids(span: Span) -> tuple[str, str]:
    """Return the hex trace id and span id of a span, or two empty strings."""
    if isinstance(span, _Ids):
        return span.hex
    context = span.get_span_context()
    if not context.is_valid:
        return "", ""
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def current_ids() -> tuple[str, str]:
    """Return the hex current trace id and span id, or two empty strings."""
    return ids(otel.get_current_span())


def inject(headers: dict[str, str]) -> dict[str, str]:
    """Add `traceparent` (and `tracestate`) of the current span to `headers` and return it."""
    span = otel.get_current_span()
    context = span.get_span_context()
    if context.trace_state:
        _propagator.inject(headers)
    elif context.is_valid:  # as the propagator writes it, in a third of its time
        trace_id, span_id = ids(span)
        headers["traceparent"] = f"00-{trace_id}-{span_id}-{context.trace_flags:02x}"
    return headers


@contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    carrier: Mapping[str, str] | None = None,
    attributes: Attributes = None,
) -> Iterator[Span]:
    """Run the block in a new span: a child of `carrier`'s context, or of the current one."""
    started, token = begin(name, kind=kind, carrier=carrier, attributes=attributes)
    try:
        yield started
    except Exception as error:
        if started.is_recording():
            failed(started, type(error).__name__)
        raise
    finally:
        end(started, token)


def begin(
    name: str,
    *,
    kind: SpanKind,
    carrier: Mapping[str, str] | None,
    attributes: Attributes = None,
    unseen: bool = False,
) -> tuple[Span, Token[otel_context.Context]]:
    """Start a span and make it the current one; for callers that cannot use `span`.

    One that is `unseen` is not sent, nor is what it causes here and elsewhere.
    """
    parent = None if carrier is None else _context_of(carrier)
    made_by = source.get()
    if made_by is None or unseen:
        above = otel.INVALID_SPAN if parent is _EMPTY else otel.get_current_span(parent)
        started = _ids_below(above.get_span_context(), unseen=unseen)
    else:
        started = made_by.tracer.start_span(name, context=parent, kind=kind, attributes=attributes)
    return started, otel_context.attach(otel.set_span_in_context(started, parent))


def end(started: Span, token: Token[otel_context.Context]) -> None:
    """End what `begin` started; the span before it is the current one again."""
    otel_context.detach(token)
    started.end()


def is_sent() -> bool:
    """Tell whether the current span is sent, and so is what is below it."""
    above = otel.get_current_span().get_span_context()
    return source.get() is not None and above.is_valid and above.trace_flags.sampled


def record(
    name: str, took_s: float, attributes: Mapping[str, str | int], *, error: str = ""
) -> None:
    """Send a span of an operation on a store that has just ended, below the current one.

    Only where `is_sent`: what runs beside requests would be a trace for each of its turns.
    """
    made_by = source.get()
    if made_by is None:
        return
    ended_ns = time.time_ns()
    above = otel.get_current_span().get_span_context()
    started_ns = ended_ns - int(took_s * 1e9)
    made_by.record(FinishedSpan(name, above, started_ns, ended_ns, attributes, error))


def failed(started: Span, error: str) -> None:
    """Mark a span as failed: `error` is the name of an exception or a status, never a text."""
    started.set_attribute("error.type", error)
    started.set_status(Status(StatusCode.ERROR))


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


def _ids_below(above: SpanContext, *, unseen: bool) -> Span:
    """Return a span that is only ids: the trace of the one above, or a new one, sampled."""
    span_id = random.getrandbits(64) or 1
    if above.is_valid:
        flags = _UNSAMPLED if unseen else above.trace_flags
        own = SpanContext(above.trace_id, span_id, False, flags, above.trace_state)
    else:
        trace_id = random.getrandbits(128) or 1
        own = SpanContext(trace_id, span_id, False, _UNSAMPLED if unseen else _SAMPLED)
    return _Ids(own)
