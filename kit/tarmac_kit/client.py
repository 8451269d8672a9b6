"""Calls to the service that plays a role: deadlines, bounded retries, a circuit breaker, traces.

Made by `Chassis.client`. It retries only calls that may be repeated, and never past the deadline.
"""

from __future__ import annotations

import asyncio
import json as jsonlib
import random
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from opentelemetry.trace import SpanKind, get_current_span

from tarmac_kit import conventions, deadline, trace
from tarmac_kit.breaker import Breaker
from tarmac_kit.jsons import to_json
from tarmac_kit.problems import Problem

#: The Authorization header of the current request, for calls that forward it.
received_authorization: ContextVar[str | None] = ContextVar("tarmac_authorization", default=None)

_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})


class Unavailable(Problem):
    """The role did not answer, or answered 502 or 503."""

    def __init__(self, role: str, detail: str = "it did not answer") -> None:
        super().__init__(
            503,
            "upstream_unavailable",
            "A required service is not available",
            f"{role}: {detail}",
            headers={"Retry-After": "1"},
        )
        self.role = role


class CircuitOpen(Unavailable):
    """The role failed often just now; it is left alone for some seconds."""

    def __init__(self, role: str) -> None:
        super().__init__(role, "too many recent failures; the circuit is open")
        self.code = "circuit_open"


class DeadlineExceeded(Problem):
    """The role did not answer in the time there was, or answered 504."""

    def __init__(self, role: str) -> None:
        super().__init__(
            504, "deadline_exceeded", "The deadline was exceeded", f"{role}: no answer in time"
        )
        self.role = role


@dataclass(frozen=True)
class Response:
    """An answer, read whole. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """Return the body as JSON; raise ValueError if it is none."""
        return jsonlib.loads(self.body)

    def problem(self) -> dict[str, Any]:
        """Return the members of a problem document, `code` among them; none if it is no such."""
        try:
            body = self.json()
        except ValueError:
            return {}
        return body if isinstance(body, dict) and isinstance(body.get("code"), str) else {}

    @property
    def ok(self) -> bool:
        """Return whether the status is 2xx."""
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Request:
    """One attempt, as a transport gets it. `timeout_s` is all the time there is."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    timeout_s: float


class TransportError(Exception):
    """The connection could not be made or broke; nothing is known of the call's effect."""


#: Raises TransportError, or TimeoutError when `timeout_s` is over.
Transport = Callable[[Request], Awaitable[Response]]


class RetryBudget:
    """Keeps retries a small part of the calls, so that they cannot double an overload.

    A bucket of tokens: each call puts `ratio` of one in, each retry takes a whole one out, and
    more than `reserve` are not kept. Finagle's default is the same share of a fifth.
    """

    def __init__(self, *, ratio: float = 0.2, reserve: float = 10.0) -> None:
        self._ratio = ratio
        self._reserve = reserve
        self._left = reserve

    def call(self) -> None:
        """Note a first attempt."""
        self._left = min(self._reserve, self._left + self._ratio)

    def take(self) -> bool:
        """Return whether a retry may be made, and count it."""
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Client:
    """Calls one role. Paths are relative to the role's URL."""

    def __init__(
        self,
        role: str,
        url: str,
        transport: Transport,
        *,
        timeout_s: float = conventions.TIMEOUT_DEFAULT_S,
        retries: int = conventions.RETRIES_DEFAULT,
        breaker: Breaker | None = None,
        budget: RetryBudget | None = None,
        count: Callable[[str, str], None] | None = None,
        count_retry: Callable[[str, str], None] | None = None,
        caller_token: Callable[[], str | None] = lambda: None,
        backoff_s: float = 0.05,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.role = role
        self.url = url.rstrip("/")
        self._transport = transport
        address = urlsplit(self.url)
        #: The callee, for its spans.
        self._traced: dict[str, str | int] = {
            "server.address": address.hostname or "",
            "server.port": address.port or (443 if address.scheme == "https" else 80),
        }
        self._timeout_s = timeout_s
        self._retries = retries
        self._breaker = breaker or Breaker()
        self._budget = budget or RetryBudget()
        self._count = count or (lambda _role, _outcome: None)
        self._count_retry = count_retry or (lambda _role, _result: None)
        self._caller_token = caller_token
        self._backoff_s = backoff_s
        self._sleep = sleep

    async def get(self, path: str, **options: Any) -> Response:
        """GET `path`; options as for `request`."""
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> Response:
        """POST to `path`; it is tried once unless `idempotent=True`."""
        return await self.request("POST", path, **options)

    async def put(self, path: str, **options: Any) -> Response:
        """PUT to `path`; options as for `request`."""
        return await self.request("PUT", path, **options)

    async def patch(self, path: str, **options: Any) -> Response:
        """PATCH `path`; it is tried once unless `idempotent=True`."""
        return await self.request("PATCH", path, **options)

    async def delete(self, path: str, **options: Any) -> Response:
        """DELETE `path`; options as for `request`."""
        return await self.request("DELETE", path, **options)

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        idempotent: bool | None = None,
        timeout_s: float | None = None,
        forward: bool = False,
    ) -> Response:
        """Make one call and return the answer, whatever its status but 502, 503, 504.

        `forward` forwards the Authorization of the current request. Raises Unavailable,
        CircuitOpen or DeadlineExceeded, which are Problems: not caught, they are this service's
        own answer.
        """
        target = f"{self.url}{path}"
        if params:
            given = {name: value for name, value in params.items() if value is not None}
            target = f"{target}?{urlencode(given, doseq=True)}" if given else target
        sent = dict(headers or {})
        body = None
        if json is not None:
            body = jsonlib.dumps(json, default=to_json).encode()
            sent.setdefault("Content-Type", "application/json")
        received = received_authorization.get()
        if forward and received is not None:
            sent["Authorization"] = received
        if (token := self._caller_token()) is not None:
            sent[conventions.CALLER_HEADER] = token
        if idempotent is None:
            idempotent = method in _REPEATABLE
        with (
            deadline.within(self._timeout_s if timeout_s is None else timeout_s),
            trace.span(
                f"{method} {self.role}",
                kind=SpanKind.CLIENT,
                attributes={**self._traced, "http.request.method": method},
            ) as span,
        ):
            trace.inject(sent)
            response = await self._attempts(
                method, target, sent, body, attempts=1 + (self._retries if idempotent else 0)
            )
            if span.is_recording():
                span.set_attribute("http.response.status_code", response.status)
                if response.status >= 400:  # of a caller's span, unlike the answering one's
                    trace.failed(span, str(response.status))
            return response

    async def _attempts(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, *, attempts: int
    ) -> Response:
        self._budget.call()
        attempt = 1
        while True:
            left_s = deadline.remaining_s() or 0.0
            if left_s <= 0:
                raise DeadlineExceeded(self.role)
            if not self._breaker.allow():
                self._count(self.role, "open")
                raise CircuitOpen(self.role)
            headers[conventions.DEADLINE_HEADER] = str(max(1, int(left_s * 1000)))
            failure, response = await self._attempt(Request(method, url, headers, body, left_s))
            if response is not None:
                return response
            assert failure is not None  # noqa: S101 - one of the two is always there
            wait_s = random.uniform(0, self._backoff_s * 2**attempt)  # noqa: S311 - jitter
            enough = (deadline.remaining_s() or 0.0) > wait_s
            over = isinstance(failure, DeadlineExceeded)
            if over or attempt >= attempts or not enough:
                raise failure
            if not self._budget.take():
                self._count_retry(self.role, "refused")
                raise failure
            self._count_retry(self.role, "made")
            _record_retry(attempt, type(failure).__name__)
            attempt += 1
            await self._sleep(wait_s)

    async def _attempt(self, request: Request) -> tuple[Problem | None, Response | None]:
        """Make one attempt and tell the breaker; return what failed or the answer."""
        try:
            response = await self._transport(request)
        except TimeoutError:
            self._count(self.role, "timeout")
            self._late(request)
            return DeadlineExceeded(self.role), None
        except TransportError as error:
            self._count(self.role, "error")
            self._breaker.failed()
            return Unavailable(self.role, str(error) or "the connection broke"), None
        except BaseException:
            self._breaker.abandoned()
            raise
        self._count(self.role, f"{response.status // 100}xx")
        if response.status in (502, 503):
            self._breaker.failed()
            return Unavailable(self.role, f"it answered {response.status}"), None
        if response.status == 504:
            self._late(request)
            return DeadlineExceeded(self.role), None
        self._breaker.succeeded()
        return None, response

    def _late(self, request: Request) -> None:
        """Tell the breaker of no answer in time, unless the caller left the role too little."""
        if request.timeout_s < self._timeout_s / 2:
            self._breaker.abandoned()
        else:
            self._breaker.failed()


def _record_retry(number: int, reason: str) -> None:
    """Write a retry into the call's span, where that is sent."""
    span = get_current_span()
    if span.is_recording():
        span.set_attribute("http.request.resend_count", number)
        span.add_event("retry", {"error.type": reason})
