"""A span as the receiver decodes it and storage.py keeps it; ids in OpenTelemetry's bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: OTLP's numbers: SpanKind, and the status code of a failure.
KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
ERROR = 2
#: Nanoseconds that SQLite can hold; a later time is invalid.
LATEST_NS = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Span:
    """One operation of one service within a trace."""

    trace_id: bytes
    span_id: bytes
    #: Empty for the first span of a trace.
    parent_id: bytes
    service: str
    instance: str
    name: str
    #: One of KINDS.
    kind: str
    #: Nanoseconds since the epoch.
    started_ns: int
    duration_ns: int
    failed: bool = False
    #: What the status says, where it failed.
    message: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    #: Name, offset in nanoseconds and attributes of what happened within it.
    events: list[dict[str, Any]] = field(default_factory=list)
