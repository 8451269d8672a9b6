"""Fakes and an in-process client for the unit tests of services: no network, disk or sleep.

Imported by tests only. Each fake keeps what it was given where a test can read it.
"""

from __future__ import annotations

import asyncio
import json as jsonlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from tarmac_kit.breaker import Breaker
from tarmac_kit.cache import Cache
from tarmac_kit.client import Client, Request, Response
from tarmac_kit.inprocess import InProcess, running
from tarmac_kit.jsons import dumps
from tarmac_kit.messages import Handler, Message, PoisonMessage
from tarmac_kit.tokens import ALGORITHM, TokenIssuer, TokenVerifier

__all__ = [
    "AUDIENCE",
    "ISSUER",
    "Added",
    "FakeBus",
    "FakeCache",
    "FakeClock",
    "FakeDatabase",
    "FakeInbox",
    "FakeOutbox",
    "FakeTransport",
    "InProcess",
    "fake_client",
    "forge_token",
    "issue_token",
    "issuer",
    "json_response",
    "running",
    "signing_key",
    "static_verifier",
]

ISSUER = "https://issuer.test"
AUDIENCE = "tests"


@dataclass
class FakeClock:
    """A clock that moves when it is told to; call it for the time in seconds."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`."""
        self.now_s += seconds


class FakeBus:
    """A Bus in memory. `published` has every message; handlers run inside `publish`."""

    def __init__(self) -> None:
        self.published: list[Message] = []
        self.parked: list[tuple[Message, str]] = []
        #: Messages whose handler raised; `redeliver` hands them out again.
        self.waiting: list[tuple[Message, Handler]] = []
        self.connected = True
        self._handlers: list[tuple[tuple[str, ...], str, Handler]] = []

    async def open(self) -> None:
        """Do nothing: it is always open."""

    async def close(self) -> None:
        """Forget the handlers."""
        self._handlers.clear()

    async def ping(self) -> None:
        """Raise ConnectionError if not connected."""
        if not self.connected:
            raise ConnectionError("not connected")

    async def publish(self, message: Message) -> None:
        """Keep the message and hand it to each group; raise ConnectionError if not connected."""
        if not self.connected:
            raise ConnectionError("the fake bus is not connected")
        self.published.append(message)
        for topics, _group, handler in tuple(self._handlers):
            if message.topic in topics:
                await self._deliver(message, handler)

    async def consume(self, topics: tuple[str, ...], group: str, handler: Handler) -> None:
        """Hand later messages of `topics` to `handler`."""
        self._handlers.append((topics, group, handler))

    async def redeliver(self) -> None:
        """Hand out once more, with the next attempt, what failed."""
        waiting, self.waiting = self.waiting, []
        for message, handler in waiting:
            await self._deliver(replace(message, attempt=message.attempt + 1), handler)

    async def _deliver(self, message: Message, handler: Handler) -> None:
        try:
            await handler(message)
        except PoisonMessage as error:
            self.parked.append((message, str(error)))
        except Exception:  # noqa: BLE001 - as the real one: any other exception means "again"
            self.waiting.append((message, handler))


class FakeDatabase:
    """Stands for a Database where the repository is fake as well: gives `conn` and commits.

    `rolled_back` counts the transactions that ended with an exception.
    """

    def __init__(self, conn: Any = None) -> None:
        self.conn = object() if conn is None else conn
        self.committed = 0
        self.rolled_back = 0

    @asynccontextmanager
    async def transaction(self, *, isolation: Any = None) -> AsyncIterator[Any]:  # noqa: ARG002 - the real one's
        """Give `conn`; count how it ended."""
        try:
            yield self.conn
        except BaseException:
            self.rolled_back += 1
            raise
        self.committed += 1

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Give `conn`."""
        yield self.conn

    async def ping(self) -> None:
        """Answer."""


@dataclass(frozen=True)
class Added:
    """One event that was added to a FakeOutbox."""

    id: UUID
    topic: str
    aggregate_type: str
    aggregate_id: str
    payload: dict[str, Any]


class FakeOutbox:
    """An Outbox in memory: `added` has the events, as JSON would carry them."""

    def __init__(self, publishes: Sequence[str] | None = None) -> None:
        self.added: list[Added] = []
        self._publishes = publishes

    async def add(
        self,
        conn: Any,  # noqa: ARG002 - the real one's
        *,
        topic: str,
        aggregate_type: str,
        aggregate_id: str,
        payload: Mapping[str, Any],
    ) -> UUID | None:
        """Keep one event; None for a topic outside `publishes`, if that was given."""
        if self._publishes is not None and topic not in self._publishes:
            return None
        event_id = uuid4()
        body = jsonlib.loads(dumps(dict(payload)))
        self.added.append(Added(event_id, topic, aggregate_type, aggregate_id, body))
        return event_id


class FakeInbox:
    """An Inbox in memory."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, str]] = set()

    async def first_time(self, conn: Any, *, consumer: str, message_id: str) -> bool:  # noqa: ARG002
        """Return True once per consumer and message."""
        if (consumer, message_id) in self.seen:
            return False
        self.seen.add((consumer, message_id))
        return True


class FakeCache:
    """A Cache in memory, without expiry: `values` has what was set, as JSON would carry it."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        # The real one decides what is a miss, what is shared and what is kept.
        self._cache = Cache(_Values(self.values), prefix="")

    async def get(self, key: str) -> Any:
        """Return the value or None."""
        return await self._cache.get(key)

    async def set(self, key: str, value: Any, *, ttl_s: float) -> None:
        """Keep the value."""
        await self._cache.set(key, value, ttl_s=ttl_s)

    async def delete(self, *keys: str) -> None:
        """Forget the keys."""
        await self._cache.delete(*keys)

    async def remember(self, key: str, load: Callable[[], Awaitable[Any]], *, ttl_s: float) -> Any:
        """Return the kept value, or load and keep it; callers at the same time share one load."""
        return await self._cache.remember(key, load, ttl_s=ttl_s)


class _Values:
    """What Cache asks of a Redis client, on a dict of JSON values."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    async def get(self, key: str) -> str | None:
        return dumps(self._values[key]) if key in self._values else None

    async def set(self, key: str, value: str, *, px: int) -> None:  # noqa: ARG002 - Redis's
        self._values[key] = jsonlib.loads(value)

    async def delete(self, *keys: str) -> None:
        for key in keys:
            self._values.pop(key, None)


Answerer = Callable[[Request], Response] | Response | Exception


@dataclass
class FakeTransport:
    """Answers attempts by "METHOD /path" (without the query); `requests` has them all.

    An answer is a Response, a function of the Request, an exception to raise, or a list of these,
    one for each attempt, the last for all later ones. What is not named answers 404.
    """

    answers: dict[str, Answerer | list[Answerer]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    async def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        named = self.answers.get(f"{request.method} {urlsplit(request.url).path}")
        if isinstance(named, list):
            named = named.pop(0) if len(named) > 1 else named[0]
        if named is None:
            return json_response(404, {"code": "not_found"})
        if isinstance(named, Exception):
            raise named
        return named if isinstance(named, Response) else named(request)


def json_response(status: int, body: Any) -> Response:
    """Return a Response with `body` as JSON."""
    return Response(status, {"content-type": "application/json"}, dumps(body).encode())


def fake_client(
    role: str, answers: dict[str, Answerer | list[Answerer]], *, retries: int = 1
) -> tuple[Client, FakeTransport]:
    """Return a Client of `role` that never waits, and its transport."""
    transport = FakeTransport(answers)

    async def no_sleep(_seconds: float) -> None:
        await asyncio.sleep(0)

    client = Client(
        role, f"http://{role}", transport, retries=retries, breaker=Breaker(), sleep=no_sleep
    )
    return client, transport


@cache
def signing_key() -> Any:
    """Return an RSA private key, made once per process."""
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415 - only with tokens

    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def issuer() -> TokenIssuer:
    """Return the issuer of `issue_token`."""
    return TokenIssuer(signing_key(), kid="test", issuer=ISSUER, audience=AUDIENCE)


def issue_token(
    subject: str | UUID,
    *,
    email: str = "someone@example.com",
    roles: Sequence[str] = (),
    ttl_s: int = 900,
) -> str:
    """Return a token that `static_verifier` accepts."""
    return issuer().issue(str(subject), email=email, roles=roles, ttl_s=ttl_s)


def forge_token(
    *,
    headers: Mapping[str, Any] | None = None,
    key: Any = None,
    algorithm: str = ALGORITHM,
    without: Sequence[str] = (),
    **claims: Any,
) -> str:
    """Return a token whose claims, headers, key or algorithm are as given, right otherwise.

    A header that is None is left out.
    """
    import jwt  # noqa: PLC0415 - only with tokens

    now = int(time.time())
    sent = {"kid": "test", **(headers or {})}
    right = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "someone",
        "iat": now,
        "nbf": now,
        "exp": now + 900,
        "jti": "forged",
    }
    body = {name: value for name, value in {**right, **claims}.items() if name not in without}
    return jwt.encode(
        body,
        signing_key() if key is None else key,
        algorithm=algorithm,
        headers={name: value for name, value in sent.items() if value is not None},
    )


def static_verifier() -> TokenVerifier:
    """Return a verifier that knows the key of `issue_token` without asking anyone."""

    async def fetch() -> dict[str, Any]:
        return issuer().jwks()

    return TokenVerifier(fetch, issuer=ISSUER, audience=AUDIENCE)
