"""Structured logs: one JSON object a line on stdout, with service and trace ids.

Configured once by `create_app`; `get_logger` is structlog's. Lines of the standard library's
loggers (uvicorn, asyncio, nats) come out in the same form. Values under the names of credentials
are never written.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import structlog
from structlog.typing import FilteringBoundLogger

from tarmac_kit import trace

_SECRET = re.compile(r"authorization|password|passwd|secret|token|cookie|api_?key", re.IGNORECASE)
_CREDENTIALS_IN_URL = re.compile(r"(\w+://[^:/@\s]*):[^@/\s]+@")
_LEVELS = logging.getLevelNamesMapping()

Event = MutableMapping[str, Any]


def get_logger(name: str = "") -> FilteringBoundLogger:
    """Return a logger; `name` is in each of its lines as `component`."""
    found: FilteringBoundLogger = (
        structlog.get_logger(component=name) if name else structlog.get_logger()
    )
    return found


def without_credentials(text: str) -> str:
    """Return `text` with the passwords of the URLs in it replaced."""
    return _CREDENTIALS_IN_URL.sub(r"\1:***@", text)


def _redact(_logger: Any, _method: str, event: Event) -> Event:
    for name, value in event.items():
        if _SECRET.search(name):
            event[name] = "***"
        elif isinstance(value, str) and "://" in value:
            event[name] = without_credentials(value)
    return event


def _shape(service: str) -> Any:
    def add(_logger: Any, method: str, event: Event) -> Event:
        trace_id, span_id = trace.current_ids()
        head: dict[str, Any] = {
            "ts": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": "warning" if method == "warn" else method,
            "event": event.pop("event", ""),
            "service": service,
        }
        if trace_id:
            head["trace_id"] = trace_id
            head["span_id"] = span_id
        return {**head, **event}

    return add


class _StandardLibrary(logging.Handler):
    """Hands records of the standard library's loggers to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelno if record.levelno in (10, 20, 30, 40, 50) else logging.INFO
        fields: dict[str, Any] = {"component": record.name}
        if record.exc_info:
            fields["exc_info"] = record.exc_info
        structlog.get_logger().log(level, record.getMessage(), **fields)


def configure(service: str, *, level: str = "info", form: str = "json") -> None:
    """Send structlog's and the standard library's lines to stdout in one form."""
    threshold = _LEVELS.get(level.upper(), logging.INFO)
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=False)
        if form == "console"
        else structlog.processors.JSONRenderer(default=str)
    )
    exceptions: list[Any] = [] if form == "console" else [structlog.processors.format_exc_info]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *exceptions,
            _redact,
            _shape(service),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        # Looked up for each logger: whoever runs the app (a test) may replace stdout.
        logger_factory=lambda *_: structlog.WriteLogger(sys.stdout),
        # Lines are few and a second app in one process (tests) has another name.
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_StandardLibrary()]
    root.setLevel(max(threshold, logging.INFO))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    # "Started server process", "Application startup complete": the chassis says these itself.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
