"""An outbox, a broker that syncs each message, and what moves one to the other; for bench files.

A database and a NATS server run as a system of their own. What is measured runs in this process:
whatever empties the outbox, the writer and the consumer. It decides on no figure.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bench.copies import copy
from bench.figure import sized

from tarmac_kit import Database, Message, Outbox, logs
from tarmac_kit.bus import make_bus
from tarmac_kit.messages import Bus

#: Rows of one measurement, the keys they have, and how many each transaction writes.
ROWS, KEYS, TOGETHER = sized(3000, 50), 500, 10
#: Messages of which the time is taken, one after another.
TIMED = sized(200, 5)
RATE, TIME = "rate.made", "time.made"
PATIENCE_S = 60.0
SYSTEM = """tarmac: 1
system: bench
services:
  user:
    run: "echo up && exec sleep 1000"
    probe: {log: ^up}
    env: {URL: "${broker.url}", DB: "${stores.db.url}"}
stores:
  db: postgres
broker: nats
"""
_WRITE = """
insert into outbox (id, aggregatetype, aggregateid, type, payload, headers)
select gen_random_uuid(), 'thing', 'k' || n % $1, $2, jsonb_build_object('number', n), '{}'
from generate_series($3::int, $4::int) n
"""

_READ = "select count(*) from pg_replication_slots where active"
_FORGET = """
select pg_replication_slot_advance(slot_name, pg_current_wal_lsn()) from pg_replication_slots
"""


@dataclass
class Ground:
    """An empty outbox, the bus that publishes, and how many messages it has published."""

    database: Database
    outbox: Outbox
    bus: Bus
    published: int = 0
    _arrived: dict[int, asyncio.Future[float]] = field(default_factory=dict)

    def count(self, _topic: str = "", number: int = 1) -> None:
        """Count messages that the broker has stored."""
        self.published += number

    async def write(self) -> None:
        """Write ROWS rows, in transactions of TOGETHER."""
        async with self.database.connection() as conn:
            for first in range(0, ROWS, TOGETHER):
                await conn.execute(_WRITE, KEYS, RATE, first, first + TOGETHER - 1)

    async def clear(self) -> None:
        """Empty the outbox, and have no reader of the log see what was written so far."""
        async with self.database.connection() as conn, asyncio.timeout(PATIENCE_S):
            while await conn.fetchval(_READ):  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.02)
            await conn.execute("truncate outbox")
            await conn.execute(_FORGET)

    async def moved(self, move: Callable[[], Awaitable[None]]) -> float:
        """Run what empties the outbox until it has sent ROWS messages; return rows per second."""
        enough, began = self.published + ROWS, time.perf_counter()
        async with running(move), asyncio.timeout(PATIENCE_S):
            while self.published < enough:  # noqa: ASYNC110 - who counts tells nobody
                await asyncio.sleep(0.001)
            return ROWS / (time.perf_counter() - began)

    async def sent(self, at_once: int) -> float:
        """Publish ROWS messages with nothing before the broker; return messages per second."""
        room, began = asyncio.Semaphore(at_once), time.perf_counter()

        async def send(number: int) -> None:
            async with room:
                await self.bus.publish(_message(RATE, number))

        await asyncio.gather(*(send(number) for number in range(ROWS)))
        return ROWS / (time.perf_counter() - began)

    async def hear(self, message: Message) -> None:
        """Take the time of a message; the consumer's handler."""
        waits = self._arrived.pop(message.payload["number"], None)
        if waits is not None:
            waits.set_result(time.perf_counter())

    async def after_commit_ms(self) -> list[float]:
        """Commit a row, wait until its consumer has it, and so on; return the times between."""

        async def commit(number: int) -> float:
            async with self.database.transaction() as conn:
                await self.outbox.add(
                    conn,
                    topic=TIME,
                    aggregate_type="thing",
                    aggregate_id=f"k{number}",
                    payload={"number": number},
                )
            return time.perf_counter()

        return [await self._timed(number, commit) for number in range(TIMED)]

    async def after_publish_ms(self) -> list[float]:
        """Publish a message, wait until its consumer has it, and so on; return the times."""

        async def publish(number: int) -> float:
            began = time.perf_counter()
            await self.bus.publish(_message(TIME, number))
            return began

        return [await self._timed(number, publish) for number in range(TIMED)]

    async def _timed(self, number: int, begin: Callable[[int], Awaitable[float]]) -> float:
        arrives: asyncio.Future[float]
        arrives = self._arrived[number] = asyncio.get_running_loop().create_future()
        began = await begin(number)
        async with asyncio.timeout(PATIENCE_S):
            arrived = await arrives
        return (arrived - began) * 1000


@contextlib.contextmanager
def servers() -> Iterator[tuple[str, str]]:
    """Run database and broker; yield their URLs. The database's log can be read."""
    with copy(SYSTEM) as system:
        system.tarmac("up", "-d")
        database = system.tarmac("connect", "db", "--url").strip()
        asyncio.run(_let_logs_be_read(database))
        system.tarmac("restart", "db")
        yield database, system.tarmac("connect", "broker", "--as", "user", "--url").strip()


@contextlib.asynccontextmanager
async def ground(database_url: str, broker_url: str) -> AsyncIterator[Ground]:
    """Open an outbox, a bus that publishes and one that consumes."""
    logs.configure("bench", level="error", form="text")
    database = Database(database_url)
    outbox = Outbox(database, publishes={TIME})
    bus, other = make_bus(broker_url, service="user"), make_bus(broker_url, service="user")
    found = Ground(database, outbox, bus)
    await database.open()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        for opened in (bus, other):
            await opened.open()
            stack.push_async_callback(opened.close)
        async with asyncio.timeout(PATIENCE_S):
            while not (bus.connected and other.connected):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        for topic in (RATE, TIME):
            await bus.publish(_message(topic, -1))
        await other.consume((TIME,), "user", found.hear)
        yield found


@contextlib.asynccontextmanager
async def running(move: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run something in the background until the block ends."""
    task = asyncio.ensure_future(move())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _let_logs_be_read(database_url: str) -> None:
    database = Database(database_url)
    conn = await database.connect()
    await conn.execute("alter system set wal_level = logical")
    await conn.close()


def _message(topic: str, number: int) -> Message:
    payload: dict[str, Any] = {"number": number}
    return Message(f"{topic}-{time.monotonic_ns()}-{number}", topic, f"k{number % KEYS}", payload)
