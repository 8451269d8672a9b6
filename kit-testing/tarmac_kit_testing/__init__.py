"""Fakes and an in-process client for the unit tests of services: no network, disk or sleep.

Imported by tests only. Each fake keeps what it was given where a test can read it.
"""

from __future__ import annotations

import asyncio
import json as jsonlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from tarmac_kit.breaker import Breaker
from tarmac_kit.client import Client, Request, Response
from tarmac_kit.documents.memory import MemoryDocuments
from tarmac_kit.jsons import dumps
from tarmac_kit.messages import Handler, Message, PoisonMessage
from tarmac_kit_testing.contracts import broken, unreadable
from tarmac_kit_testing.crashing import (
    CrashFinding,
    CrashReport,
    HostedService,
    Journey,
    World,
    crashing,
)
from tarmac_kit_testing.fake_cache import FakeCache, FakeRedis
from tarmac_kit_testing.fake_jobs import FakeJobs, FakeSagas
from tarmac_kit_testing.fake_tokens import (
    AUDIENCE,
    ISSUER,
    forge_token,
    issue_token,
    issuer,
    signing_key,
    static_verifier,
)
from tarmac_kit_testing.inprocess import InProcess, running

__all__ = [
    "AUDIENCE",
    "ISSUER",
    "CrashFinding",
    "CrashReport",
    "FakeBus",
    "FakeCache",
    "FakeClock",
    "FakeDatabase",
    "FakeInbox",
    "FakeJobs",
    "FakeOutbox",
    "FakeRedis",
    "FakeSagas",
    "FakeTransport",
    "HostedService",
    "InProcess",
    "Journey",
    "MemoryDocuments",
    "OutboxEntry",
    "World",
    "broken",
    "crashing",
    "fake_client",
    "forge_token",
    "issue_token",
    "issuer",
    "json_response",
    "running",
    "signing_key",
    "static_verifier",
    "unreadable",
]


@dataclass
class FakeClock:
    """A clock that moves only by `advance`; call it for the time in seconds."""

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
        self.dead_letters: list[tuple[Message, str]] = []
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
            self.dead_letters.append((message, str(error)))
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
class OutboxEntry:
    """One event that was added to a FakeOutbox."""

    id: UUID
    topic: str
    aggregate_type: str
    aggregate_id: str
    payload: dict[str, Any]


class FakeOutbox:
    """An Outbox in memory: `added` has the events, as JSON would carry them."""

    def __init__(self, publishes: Sequence[str] | None = None) -> None:
        self.added: list[OutboxEntry] = []
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
        with self.event(
            topic=topic, aggregate_type=aggregate_type, aggregate_id=aggregate_id, payload=payload
        ) as row:
            return None if row is None else UUID(row["id"])

    @contextmanager
    def event(
        self, *, topic: str, aggregate_type: str, aggregate_id: str, payload: Mapping[str, Any]
    ) -> Iterator[dict[str, Any] | None]:
        """Give one event as a row of the table, and keep it; None as `add`."""
        if self._publishes is not None and topic not in self._publishes:
            yield None
            return
        entry = OutboxEntry(
            uuid4(), topic, aggregate_type, aggregate_id, jsonlib.loads(dumps(dict(payload)))
        )
        yield {
            "id": str(entry.id),
            "aggregatetype": aggregate_type,
            "aggregateid": aggregate_id,
            "type": topic,
            "payload": entry.payload,
            "headers": {},
        }
        self.added.append(entry)


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
