"""A service that owns tables, capture beside it on the same server, and no slot left behind."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tarmac_capture.app import PART
from tarmac_kit import Chassis, Database, Outbox, Part, create_app
from tarmac_kit_testing import FakeBus, InProcess, running


@dataclass
class Owner:
    """The service that writes the tables."""

    database: Database
    outbox: Outbox

    async def say(self, *numbers: int, key: str = "one") -> list[UUID]:
        """Write events in one transaction."""
        async with self.database.transaction() as conn:
            return [
                found
                for number in numbers
                if (
                    found := await self.outbox.add(
                        conn,
                        topic="thing.made",
                        aggregate_type="thing",
                        aggregate_id=key,
                        payload={"number": number},
                    )
                )
            ]

    async def sql(self, *statements: str) -> None:
        """Run statements in one transaction."""
        async with self.database.transaction() as conn:
            for statement in statements:
                await conn.execute(statement)

    async def ask(self, query: str) -> Any:
        """Return one value."""
        async with self.database.connection() as conn:
            return await conn.fetchval(query)

    async def settled(self) -> None:
        """Wait until every row counts as published."""
        async with asyncio.timeout(60):
            while await self.ask("select count(*) from outbox where published_at is null"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@pytest.fixture
async def server_side(database_url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """Give a connection of the test's own; at the end no slot keeps the database."""
    conn = await asyncpg.connect(database_url)
    yield conn
    # The readers are gone, or about to be; what one was making when it ended may still come. Its
    # server process sees that its client is gone only once it says something: it is ended.
    slots = "from pg_replication_slots where database = current_database()"
    try:
        async with asyncio.timeout(60):
            while await conn.fetchval(f"select count(*) {slots}"):
                with contextlib.suppress(asyncpg.ObjectInUseError):
                    await conn.execute(f"select pg_drop_replication_slot(slot_name) {slots}")
                await conn.execute(f"select pg_terminate_backend(active_pid) {slots} and active")
                await asyncio.sleep(0.02)
    finally:
        await conn.close()


@pytest.fixture
async def own(
    database_url: str, server_side: asyncpg.Connection[Any]
) -> AsyncIterator[Callable[..., Awaitable[Owner]]]:
    """Give a way to start the owner, with settings of its own."""
    async with AsyncExitStack() as stack:

        async def start(**environ: str) -> Owner:
            made: list[Owner] = []

            def mount(chassis: Chassis) -> None:
                database = chassis.database()
                made.append(Owner(database, chassis.outbox(database)))

            app = create_app(
                [Part("owner", mount)],
                {
                    "SERVICE_NAME": "owner",
                    "DATABASE_URL": database_url,
                    "PUBLISHES": "thing.made",
                    "OUTBOX_RELAY": "capture",
                    **environ,
                },
                bus=FakeBus(),
            )
            await stack.enter_async_context(running(app))
            return made[0]

        yield start


@dataclass
class Capturing:
    """A running capture and what it has published."""

    process: InProcess
    bus: FakeBus

    @property
    def numbers(self) -> list[int]:
        """List the numbers of the events that were published."""
        return [m.payload["number"] for m in self.bus.published if m.topic == "thing.made"]

    @property
    def envelopes(self) -> list[dict[str, Any]]:
        """List the changes of tables that were published."""
        return [m.payload for m in self.bus.published if m.topic != "thing.made"]

    async def published(self, count: int) -> None:
        """Wait for so many messages."""
        async with asyncio.timeout(60):
            while len(self.bus.published) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def said(self) -> tuple[int, str]:
        """Ask whether it is ready, and what it says of itself."""
        answer = await self.process.get("/health/ready")
        return answer.status, answer.json()["checks"]["capture"]

    async def says(self, words: str) -> str:
        """Wait until it says something of itself."""
        async with asyncio.timeout(60):
            while words not in (said := (await self.said())[1]):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return said


@pytest.fixture
async def capture(
    database_url: str, server_side: asyncpg.Connection[Any]
) -> AsyncIterator[Callable[..., Awaitable[Capturing]]]:
    """Give a way to start a replica of capture; `stop` of the stack ends it with the test."""
    async with AsyncExitStack() as stack:

        async def start(
            bus: FakeBus | None = None, *, stack: AsyncExitStack = stack, **environ: str
        ) -> Capturing:
            bus = bus or FakeBus()
            name = database_url.rpartition("/")[2]
            app = create_app(
                [PART],
                {
                    "SERVICE_NAME": "capture",
                    "DATABASE_URL": database_url,
                    "PUBLISHES": f"thing.made,{name}.public.things",
                    **environ,
                },
                bus=bus,
            )
            return Capturing(await stack.enter_async_context(running(app)), bus)

        yield start
