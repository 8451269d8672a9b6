"""A log record as the receiver decodes it and storage.py keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class LogRecord:
    """What one service said at one moment."""

    service: str
    instance: str
    #: Nanoseconds since the epoch.
    at_ns: int
    #: debug, info, warning, error or critical; empty where it does not say.
    level: str
    said: str
    #: The trace within which it was said; empty without one.
    trace_id: bytes = b""
    attributes: dict[str, Any] = field(default_factory=dict)
