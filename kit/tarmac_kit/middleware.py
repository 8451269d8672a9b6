"""What surrounds every request: trace, deadline, access log line, metrics, draining.

One pure ASGI callable, put around the whole app by `create_app`: every layer more would cost each
request its own send and receive. It never reads a body.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import structlog
from opentelemetry.trace import Span, SpanKind
from starlette.requests import ClientDisconnect

from tarmac_kit import conventions, deadline, problems, trace
from tarmac_kit.client import received_authorization
from tarmac_kit.health import Health
from tarmac_kit.logs import AccessLog, get_logger
from tarmac_kit.metrics import Metrics

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

#: What is asked for every second, and neither logged nor limited.
QUIET = frozenset(
    {
        conventions.HEALTH_PATH,
        conventions.LIVE_PATH,
        conventions.READY_PATH,
        conventions.METRICS_PATH,
    }
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ROUTE_KEY = "tarmac_route"
_DEADLINE_HEADER = conventions.DEADLINE_HEADER.lower().encode()
_READ = frozenset({b"traceparent", b"tracestate", b"authorization", _DEADLINE_HEADER})
_DEADLINE_NAME = _DEADLINE_HEADER.decode()
_EVENT_STREAM = b"text/event-stream"
UNMATCHED = "unmatched"


def set_route(scope: Scope, template: str) -> None:
    """Name the route of a request that FastAPI does not route, for log and metrics."""
    scope[_ROUTE_KEY] = template


def is_event_stream(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Say whether an answer is a stream of server-sent events, which lasts until one side ends it.

    Header names are lower case, as ASGI has them.
    """
    for name, value in headers:  # asked twice of each answer: a loop takes half of what any() does
        if name == b"content-type":
            return value.startswith(_EVENT_STREAM)
    return False


def route_template(scope: Scope) -> str:
    """Return the template of the matched route; one value for every path that matched none."""
    named = scope.get(_ROUTE_KEY)
    if named is not None:
        return str(named)
    route = scope.get("route")
    # A route of a nested router knows its own part only; FastAPI keeps the whole beside it.
    whole = scope.get("fastapi", {}).get("effective_route_context")
    template = getattr(whole, "path_format", None) or getattr(route, "path_format", None)
    return UNMATCHED if template is None else str(scope.get("root_path", "")) + str(template)


class _Exchange:
    """The answer of one request, as far as it went out."""

    __slots__ = ("_health", "_metrics", "_send", "began_at", "status", "timer")

    def __init__(self, send: Send, health: Health, metrics: Metrics) -> None:
        self._send = send
        self._health = health
        self._metrics = metrics
        self.status = 0
        self.timer: asyncio.Timeout | None = None
        #: When a stream of events began: how long it lasts says nothing of how fast we are.
        self.began_at: float | None = None

    def send(self, event: Event) -> Awaitable[None]:
        if event["type"] == "http.response.start":
            self.status = event["status"]
            if is_event_stream(event.get("headers", ())):
                self.began_at = time.perf_counter()
                self._metrics.streams += 1
            if self.timer is not None and not self.timer.expired():
                # The deadline is for the answer's head; a stream may take longer.
                self.timer.reschedule(None)
            if self._health.draining:
                headers = [*event.get("headers", ()), (b"connection", b"close")]
                event = {**event, "headers": headers}
        return self._send(event)


class RequestMiddleware:
    """The outermost ASGI app of a service."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        health: Health,
        access_log: AccessLog,
        spans: trace.SpanSource | None = None,
        believes_deadline: Callable[[Scope], bool] = lambda _: True,
    ) -> None:
        """Take what makes spans, where they are sent, and which requests' deadlines count."""
        self._app = app
        self._metrics = metrics
        self._health = health
        self._access_log = access_log
        self._spans = spans
        self._believes_deadline = believes_deadline

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        if method == "HEAD":  # the same answer; the server leaves its body out
            scope = {**scope, "method": "GET"}
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in _READ
        }
        # Each request has a context of its own, so nothing is reset afterwards.
        received_authorization.set(headers.pop("authorization", None))
        exchange = _Exchange(send, self._health, self._metrics)
        started = time.perf_counter()
        self._metrics.in_flight += 1
        structlog.contextvars.clear_contextvars()
        path = scope["path"]
        makes = None if self._spans is None else trace.source.set(self._spans)
        # What asks for health every second would be most of what is sent.
        unseen = path in QUIET
        span, token = trace.begin(method, kind=SpanKind.SERVER, carrier=headers, unseen=unseen)
        try:
            limit_s = _limit_s(headers.get(_DEADLINE_NAME))
            if limit_s is None or not self._believes_deadline(scope):
                await self._app(scope, receive, exchange.send)
            else:
                with deadline.within(limit_s):
                    async with asyncio.timeout(limit_s) as exchange.timer:
                        await self._app(scope, receive, exchange.send)
        except Exception as error:  # noqa: BLE001 - the last place that can log it with its trace
            await self._fail(scope, receive, exchange, error)
        finally:
            took_s = time.perf_counter() - started
            route = route_template(scope)
            # The client was gone before an answer: no objective counts that (nginx's number).
            status = exchange.status or 499
            if span.is_recording():
                _describe(span, scope, route, status)
            answered_s = took_s if exchange.began_at is None else exchange.began_at - started
            self._metrics.request(method, route, status, answered_s)
            if path not in QUIET:
                client = scope.get("client")
                address = client[0] if client else None
                ids = trace.ids(span)
                self._access_log(method, path, route, status, took_s, address, ids)
            trace.end(span, token)
            if makes is not None:
                trace.source.reset(makes)
            self._metrics.in_flight -= 1
            if exchange.began_at is not None:
                self._metrics.streams -= 1

    async def _fail(
        self, scope: Scope, receive: Receive, exchange: _Exchange, error: Exception
    ) -> None:
        timer = exchange.timer
        if isinstance(error, ClientDisconnect):
            return  # counted as 499: nothing here failed, and nothing listens any more
        if isinstance(error, TimeoutError) and timer is not None and timer.expired():
            problem = problems.Problem(504, "deadline_exceeded", "The caller's deadline has passed")
        else:
            problem = problems.from_status(500)
            get_logger("http").error(
                "unhandled exception",
                method=scope["method"],
                path=scope["path"],
                route=route_template(scope),
                exc_info=error,
            )
        if not exchange.status:
            await problem.response(instance=scope["path"])(scope, receive, exchange.send)


def _describe(span: Span, scope: Scope, route: str, status: int) -> None:
    """Name a span and say of it what OpenTelemetry has names for, but no path and no query."""
    known = scope["method"] in _METHODS
    name = scope["method"] if known else "HTTP"
    said: dict[str, str | int] = {
        "http.request.method": name if known else "_OTHER",
        "http.response.status_code": status,
        "url.scheme": scope.get("scheme", "http"),
        "network.protocol.version": scope.get("http_version", "1.1"),
    }
    if route != UNMATCHED:
        said["http.route"] = route
        name = f"{name} {route}"
    span.update_name(name)
    span.set_attributes(said)
    if status >= 500:
        trace.failed(span, str(status))


def _limit_s(header: str | None) -> float | None:
    """Return the seconds the caller gives; a value that is no number is as good as none."""
    if header is None:
        return None
    try:
        limit_s = float(header) / 1000
    except ValueError:
        return None
    # A loop cannot schedule infinity; a day is as long as none.
    return min(limit_s, 86_400.0) if math.isfinite(limit_s) else None
