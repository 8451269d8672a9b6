"""Bounds on what a service takes from its callers: rate, requests at once, body, JSON depth.

Put around the app by `create_app`, inside trace, log and metrics and before everything else: what
is refused here was neither authenticated nor read. Health and metrics are not counted. The bound of
a request's head is the protocol's (`protocol`).
"""

from __future__ import annotations

import asyncio
import re
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path

from tarmac_kit.addresses import NetworkList, client_address, household, parse_networks
from tarmac_kit.json_depth import JsonDepth
from tarmac_kit.metrics import Metrics
from tarmac_kit.middleware import QUIET, ASGIApp, Event, Receive, Scope, Send
from tarmac_kit.problems import Problem
from tarmac_kit.ratelimit import RateLimiter

#: Buckets kept, about 5 MB of them; those used longest ago are forgotten first.
MAX_KEYS = 20_000
#: How long a caller may go on sending what is thrown away, so that it can read the refusal.
LINGER_S = 1.0
RETRY_AFTER_S = 1
MOST_DIGITS = 18
_READ = frozenset(
    {
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"transfer-encoding",
        b"x-forwarded-for",
    }
)


class LimitSettings(BaseSettings):
    """The limits of a service; each replica counts for itself, and 0 is no limit."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    #: The largest request body, in bytes.
    max_body_bytes: int = Field(default=1024 * 1024, ge=0)
    #: Brackets within brackets in a JSON body.
    max_json_depth: int = Field(default=64, ge=0)
    #: Seconds in which a request's body has to be there.
    body_timeout_s: float = Field(default=60.0, ge=0)
    #: Requests in flight, event streams not counted.
    max_requests_in_flight: int = Field(default=256, ge=0)
    #: Requests a minute of each caller (by its credential) and of each address, and at once.
    rate_limit_per_minute: int = Field(default=60_000, ge=0)
    rate_limit_burst: int = Field(default=2_000, ge=1)
    #: Networks whose X-Forwarded-For is believed, separated by commas.
    trusted_proxies: NetworkList = ""


class BodyRejected(HTTPException):
    """A body is not read to its end; FastAPI hands it on as it does no other exception."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.status)
        self.problem = problem


def too_large(limit_bytes: int) -> Problem:
    """Return the 413 of a body that is larger than allowed; its connection is closed."""
    return Problem(
        413,
        "body_too_large",
        "The body is too large",
        f"at most {limit_bytes} bytes are taken",
        headers={"Connection": "close"},
    )


def _overloaded() -> Problem:
    after = {"Retry-After": str(RETRY_AFTER_S)}
    return Problem(503, "overloaded", "Too many requests are in flight", headers=after)


def _encoded(coding: bytes) -> Problem | None:
    """Return the 415 of a body that is compressed; it would not be counted as it is read."""
    if coding.strip().lower() in (b"", b"identity"):
        return None
    return Problem(
        415,
        "body_encoded",
        "The body is encoded",
        "bodies are taken as they are; send it without Content-Encoding",
        headers={"Accept-Encoding": "identity", "Connection": "close"},
    )


def _too_deep(limit: int) -> Problem:
    return Problem(
        400,
        "body_too_deep",
        "The body is nested too deeply",
        f"at most {limit} levels are taken",
        headers={"Connection": "close"},
    )


def _too_slow(limit_s: float) -> Problem:
    return Problem(
        408,
        "body_too_slow",
        "The body did not come in time",
        f"it has to be there within {limit_s:g} s",
        headers={"Connection": "close"},
    )


class Limits:
    """One per process: made by the chassis, put around the app by `create_app`."""

    def __init__(
        self,
        wanted: LimitSettings,
        metrics: Metrics,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wanted = wanted
        self._metrics = metrics
        self._proxies = parse_networks(wanted.trusted_proxies)
        self._body_of: list[tuple[re.Pattern[str], int]] = []
        self._is_parts = False
        self._buckets = None
        if wanted.rate_limit_per_minute:
            self._buckets = RateLimiter(
                per_minute=wanted.rate_limit_per_minute,
                burst=wanted.rate_limit_burst,
                max_keys=MAX_KEYS,
                clock=clock,
            )

    def allow_body(self, path: str, max_bytes: int) -> None:
        """Let requests to a route's path, as `/products/{id}/image`, have bodies of so many bytes.

        0 is no limit. The first path that fits a request decides.
        """
        self._body_of.append((compile_path(path)[0], max_bytes))

    def leave_to_part(self) -> None:
        """Check only how many requests are in flight: the part limits bodies and rates itself."""
        self._is_parts = True

    def around(self, app: ASGIApp) -> ASGIApp:
        """Put the limits before `app`."""

        most_in_flight, metrics = self._wanted.max_requests_in_flight, self._metrics

        def limited(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            if scope["type"] != "http" or scope["path"] in QUIET:
                return app(scope, receive, send)
            problem = body = None
            if most_in_flight and metrics.in_flight - metrics.streams > most_in_flight:
                problem = _overloaded()
            elif not self._is_parts:
                head = {name: value for name, value in scope["headers"] if name in _READ}
                problem = self._too_often(scope, head)
                if problem is None and (b"content-length" in head or b"transfer-encoding" in head):
                    length = head.get(b"content-length", b"")
                    coding = head.get(b"content-encoding", b"")
                    problem = _encoded(coding) or self._too_long(scope, length)
                    body = self._body(scope, receive, head)
            if problem is not None:
                return _Refusal(problem, scope)(scope, receive, send)
            if body is None:
                return app(scope, receive, send)
            return _reading(app, body, scope, receive, send)

        return limited

    def _too_often(self, scope: Scope, head: Mapping[bytes, bytes]) -> Problem | None:
        buckets = self._buckets
        if buckets is None:
            return None
        client = scope.get("client")
        address = client[0] if client else "unknown"
        if self._proxies and b"x-forwarded-for" in head:
            address = client_address(address, scope["headers"], self._proxies)
        left = buckets.spend(household(address) if ":" in address else address)
        # The credential is not checked: a false one counts for its address besides.
        if left >= 0 and b"authorization" in head:
            left = buckets.spend(hash(head[b"authorization"]))
        return None if left >= 0 else buckets.decision(left).problem()

    def _too_long(self, scope: Scope, length: bytes) -> Problem | None:
        if not length.isdigit():
            return None  # it is counted while it is read
        most_bytes = self._most_bytes(scope["path"])
        # More digits than any size has are not even read as a number.
        if most_bytes and (len(length) > MOST_DIGITS or int(length) > most_bytes):
            return too_large(most_bytes)
        return None

    def _most_bytes(self, path: str) -> int:
        for pattern, max_bytes in self._body_of:
            if pattern.match(path):
                return max_bytes
        return self._wanted.max_body_bytes

    def _body(self, scope: Scope, receive: Receive, head: Mapping[bytes, bytes]) -> _Body | None:
        """Make the check of a body while it is read; None where there is nothing to check."""
        length = head.get(b"content-length", b"0")
        is_counted = length.isdigit() and b"transfer-encoding" not in head  # by the server
        if is_counted and length == b"0":
            return None
        kind = head.get(b"content-type", b"json").lower()
        most_depth = self._wanted.max_json_depth if b"json" in kind else 0
        most_bytes = 0 if is_counted else self._most_bytes(scope["path"])
        most_s = self._wanted.body_timeout_s
        if not (most_depth or most_bytes or most_s):
            return None
        return _Body(receive, most_bytes, most_depth, most_s)


async def _reading(app: ASGIApp, body: _Body, scope: Scope, receive: Receive, send: Send) -> None:
    """Let the app read a body that is checked; a wrap around FastAPI may be what reads it."""
    try:
        await app(scope, body.receive, send)
    except BodyRejected as error:
        await _answer(error, scope)(scope, receive, send)


class _Body:
    """A request's body, checked while it is read."""

    __slots__ = ("_depth", "_ends_at", "_most_bytes", "_most_s", "_receive", "_rejected", "_taken")

    def __init__(self, receive: Receive, most_bytes: int, most_depth: int, most_s: float) -> None:
        self._receive = receive
        self._most_s = most_s
        self._ends_at = asyncio.get_running_loop().time() + most_s if most_s else None
        self._most_bytes = most_bytes
        self._depth = JsonDepth(most_depth) if most_depth else None
        self._taken = 0
        self._rejected = False

    async def receive(self) -> Event:
        """Receive the next piece. Raises BodyRejected; afterwards what comes is let through."""
        try:
            async with asyncio.timeout_at(self._ends_at):
                event = await self._receive()
        except TimeoutError:
            self._rejected, self._ends_at = True, None
            raise BodyRejected(_too_slow(self._most_s)) from None
        if event["type"] == "http.request" and not self._rejected:
            if not event.get("more_body", False):
                self._ends_at = None  # what comes now is the end of the connection
            piece = event.get("body", b"")
            self._taken += len(piece)
            if self._most_bytes and self._taken > self._most_bytes:
                self._rejected = True
                raise BodyRejected(too_large(self._most_bytes))
            if self._depth is not None and not self._depth.feed(piece):
                self._rejected = True
                raise BodyRejected(_too_deep(self._depth.limit))
        return event


class _Refusal(Response):
    """The answer to a request whose body is not read; what comes of it is thrown away."""

    def __init__(self, problem: Problem, scope: Scope) -> None:
        super().__init__()
        self._closes = "Connection" in problem.headers
        self._answer = problem.response(instance=scope["path"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._closes:
            await self._answer(scope, receive, send)
            return

        async def held_open(event: Event) -> None:
            if event["type"] == "http.response.body":
                event = {**event, "more_body": True}
            await send(event)

        # Closed at once with bytes unread, the kernel would reset and the answer be lost.
        await self._answer(scope, receive, held_open)
        try:
            async with asyncio.timeout(LINGER_S):
                while (await receive()).get("more_body", False):
                    pass
        except TimeoutError:
            pass
        await send({"type": "http.response.body", "body": b""})


async def on_rejected(request: Request, exc: Exception) -> Response:
    """Answer a request whose body was rejected while it was read."""
    assert isinstance(exc, BodyRejected)  # noqa: S101 - FastAPI hands over what was registered
    return _answer(exc, request.scope)


def _answer(error: BodyRejected, scope: Scope) -> Response:
    # What was read of the body stands in the frames that the exception came through.
    traceback.clear_frames(error.__traceback__)
    return _Refusal(error.problem, scope)
