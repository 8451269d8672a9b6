"""Structured logs: one JSON object a line on stdout, with service and trace ids.

Configured once by `create_app`; `get_logger` is structlog's. Lines of the standard library's
loggers (uvicorn, asyncio, nats) come out in the same form. Values under the names of credentials
are never written.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import sys
import time
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import structlog
from structlog.typing import FilteringBoundLogger

from tarmac_kit import trace

_SECRET = re.compile(
    r"authorization|password|passwd|secret|token|cookie|api[_-]?key", re.IGNORECASE
)
_CREDENTIALS_IN_URL = re.compile(r"(\w+://[^:/@\s]*):[^@/\s]+@")
#: Deeper is not written: a line is no dump, and a value may hold itself.
_DEEPEST = 6
_LEVELS = logging.getLevelNamesMapping()

_quoted = json.encoder.encode_basestring_ascii

Event = MutableMapping[str, Any]
#: Takes method, path, route, status, seconds, the client's address, and the span's ids in hex.
AccessLog = Callable[[str, str, str, int, float, str | None, tuple[str, str]], None]


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
        if name != "exc_info":  # the console's form writes it after this
            event[name] = "***" if _SECRET.search(name) else _masked(value)
    return event


def _masked(value: Any, depth: int = 0) -> Any:
    """Return the value without credentials; new containers, for the caller goes on with its own."""
    if isinstance(value, str):
        return without_credentials(value) if "://" in value else value
    if isinstance(value, Mapping):
        if depth == _DEEPEST:
            return "..."
        return {
            key: "***" if _SECRET.search(str(key)) else _masked(inner, depth + 1)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return "..." if depth == _DEEPEST else [_masked(inner, depth + 1) for inner in value]
    return value


@lru_cache(maxsize=2)
def _second(since_epoch_s: int) -> str:
    return datetime.fromtimestamp(since_epoch_s, UTC).isoformat()[:-6]


def _now() -> str:
    seconds, ms = divmod(time.time_ns() // 1_000_000, 1000)
    return f"{_second(seconds)}.{ms:03d}Z"


def _shape(service: str) -> Any:
    def add(_logger: Any, method: str, event: Event) -> Event:
        trace_id, span_id = trace.current_ids()
        head: dict[str, Any] = {
            "ts": _now(),
            "level": "warning" if method == "warn" else method,
            "event": event.pop("event", ""),
            "service": service,
        }
        if trace_id:
            head["trace_id"] = trace_id
            head["span_id"] = span_id
        return {**head, **event}

    return add


def _telling(on_error: Callable[[Mapping[str, Any]], None]) -> Any:
    def tell(_logger: Any, method: str, event: Event) -> Event:
        if method in ("error", "exception", "critical"):
            # Reporting an error must not raise another one.
            with contextlib.suppress(Exception):
                on_error(event)
        return event

    return tell


class _StandardLibrary(logging.Handler):
    """Hands records of the standard library's loggers to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelno if record.levelno in (10, 20, 30, 40, 50) else logging.INFO
        fields: dict[str, Any] = {"component": record.name}
        if record.exc_info:
            fields["exc_info"] = record.exc_info
        structlog.get_logger().log(level, record.getMessage(), **fields)


def configure(
    service: str,
    *,
    level: str = "info",
    form: str = "json",
    on_error: Callable[[Mapping[str, Any]], None] | None = None,
) -> None:
    """Send structlog's and the standard library's lines to stdout in one form.

    `on_error` gets each line of an error or worse, its exception included, before it is written.
    """
    threshold = _LEVELS.get(level.upper(), logging.INFO)
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=False)
        if form == "console"
        else structlog.processors.JSONRenderer(
            default=lambda value: without_credentials(str(value))
        )
    )
    exceptions: list[Any] = [] if form == "console" else [structlog.processors.format_exc_info]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *([_telling(on_error)] if on_error is not None else ()),
            *exceptions,
            _redact,
            _shape(service),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        # Looked up for each logger: a test may replace stdout.
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


def access_log(service: str, *, level: str = "info", form: str = "json") -> AccessLog:
    """Return the function that writes a request's line: info, from 500 on a warning.

    The line is what structlog would write; built without its processors it costs a request a
    quarter.
    """
    # Bound once: a lazy logger puts itself together for each line.
    log = get_logger("http").bind()
    threshold = _LEVELS.get(level.upper(), logging.INFO)
    head = f'"event": "request", "service": {_quoted(service)}, '
    flush_soon = _Flusher()

    def write(
        method: str,
        path: str,
        route: str,
        status: int,
        took_s: float,
        client: str | None,
        ids: tuple[str, str],
    ) -> None:
        name, number = ("warning", 30) if status >= 500 else ("info", 20)
        if number < threshold:
            return
        if form != "json" or "://" in path or structlog.contextvars.get_contextvars():
            log.log(
                number,
                "request",
                method=method,
                path=path,
                route=route,
                status=status,
                duration_ms=round(took_s * 1000, 2),
                client=client,
            )
            return
        sys.stdout.write(
            f'{{"ts": "{_now()}", "level": "{name}", {head}'
            f'"trace_id": "{ids[0]}", "span_id": "{ids[1]}", '
            f'"component": "http", "method": "{method}", "path": {_quoted(path)}, '
            f'"route": {_quoted(route)}, "status": {status}, "duration_ms": {took_s * 1000:.2f}, '
            f'"client": {"null" if client is None else _quoted(client)}}}\n'
        )
        flush_soon()

    return write


class _Flusher:
    """Flushes what the requests of one turn of the event loop wrote, in one piece.

    Whatever else is written there flushes it, too, so that lines stay in their order.
    """

    def __init__(self) -> None:
        #: The one that serves; asking which it is, is a system call.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waits = False

    def __call__(self) -> None:
        """Flush at the end of the turn; at once outside of a loop."""
        if self._loop is None or not self._loop.is_running():
            self._waits = False
            try:
                self._loop = asyncio.get_running_loop()
            except RuntimeError:  # no request is answered outside of one
                sys.stdout.flush()
                return
        if not self._waits:
            self._waits = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._waits = False
        sys.stdout.flush()
