"""A tracer that keeps the spans which the kit makes below a span of the test's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags

from tarmac_kit import trace


class RecordedSpan(NonRecordingSpan):
    """A span that remembers what it was told."""

    def __init__(self, name: str, attributes: Mapping[str, Any]) -> None:
        super().__init__(SpanContext(1, 2, False, TraceFlags(TraceFlags.SAMPLED)))
        self.name = name
        self.attributes = dict(attributes)
        self.events: list[tuple[str, Mapping[str, Any]]] = []
        self.began_ns = self.ended_ns = 0

    def is_recording(self) -> bool:
        return True

    def set_attribute(self, key: str, value: Any) -> None:
        self.attributes[key] = value

    def add_event(self, name: str, attributes: Any = None, timestamp: Any = None) -> None:
        del timestamp
        self.events.append((name, attributes or {}))

    def end(self, end_time: int | None = None) -> None:
        self.ended_ns = end_time or 0


@dataclass
class Recorder:
    """Makes spans and keeps them."""

    spans: list[RecordedSpan] = field(default_factory=list)

    def start_span(
        self,
        name: str,
        context: Any = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Any = None,
        start_time: int = 0,
    ) -> RecordedSpan:
        del context, kind
        made = RecordedSpan(name, attributes or {})
        made.began_ns = start_time
        self.spans.append(made)
        return made

    def record(self, done: trace.FinishedSpan) -> None:
        made = self.start_span(done.name, attributes=done.attributes, start_time=done.started_ns)
        if done.error:
            trace.failed(made, done.error)  # type: ignore[arg-type]
        made.end(done.ended_ns)

    @property
    def source(self) -> trace.SpanSource:
        """What the kit is given."""
        return trace.SpanSource(self, self.record)  # type: ignore[arg-type]

    @property
    def said(self) -> list[tuple[str, dict[str, Any]]]:
        """Name and attributes of each span."""
        return [(span.name, span.attributes) for span in self.spans]


@contextmanager
def recording() -> Iterator[Recorder]:
    """Record what the block does; the span above it is not among the recorded ones."""
    recorder = Recorder()
    token = trace.source.set(recorder.source)
    try:
        with trace.span("test"):
            recorder.spans.clear()
            yield recorder
    finally:
        trace.source.reset(token)
