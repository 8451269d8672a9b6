"""Messages that a handler could not take, on a real PostgreSQL: retried, parked, in order."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg
import pytest

from tarmac.base.errors import BadInput
from tarmac.run.local.stores import dead_letters
from tarmac_kit import (
    Chassis,
    Database,
    DatabaseUnavailable,
    Job,
    Jobs,
    Message,
    Part,
    PermanentFailure,
    PoisonMessage,
    Problem,
    RetryLater,
    create_app,
)
from tarmac_kit.client import Unavailable
from tarmac_kit.dead_letters import DeadLetters, is_away, limited
from tarmac_kit.worker import Worker
from tarmac_kit_testing import FakeBus, running

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("patient")]

TOPIC, GROUP = "order.placed", "pay"


def message(number: int, key: str = "o") -> Message:
    return Message(str(number), TOPIC, key, {"n": number}, {"traceparent": "x"})


class Consumer:
    """One process that consumes; `says` has what a message's handler raises, each time once."""

    def __init__(self, database: Database, attempts: int = 3) -> None:
        self.database = database
        self.counts: dict[str, int] = {}
        self.dead_letters = DeadLetters(
            database, attempts=attempts, poll_s=0.02, count=self.counts.__setitem__
        )
        self.says: dict[str, list[Exception]] = {}
        self.applied: list[str] = []
        self.take = self.dead_letters.around(TOPIC, GROUP, self._handle)

    async def _handle(self, message: Message) -> None:
        if self.says.get(message.id):
            raise self.says[message.id].pop(0)
        assert message.headers == {"traceparent": "x"}
        self.applied.append(message.id)

    async def rows(self) -> list[tuple[str, str, int]]:
        async with self.database.connection() as conn:
            rows = await conn.fetch("select message_id, state, failures from parked order by seq")
        return [(row["message_id"], row["state"], row["failures"]) for row in rows]

    async def until(self, done: Callable[[list[tuple[str, str, int]]], bool]) -> None:
        async with asyncio.timeout(60):
            while not done(await self.rows()):  # noqa: ASYNC110 - a table tells nobody
                await asyncio.sleep(0.01)

    async def let_time_pass(self) -> None:
        async with self.database.connection() as conn:
            await conn.execute("update parked set due_at = now() where state = 'waiting'")

    @asynccontextmanager
    async def trying(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.dead_letters.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    DeadLetters(database)  # its migrations
    await database.open()
    yield database
    await database.close()


async def test_what_fails_is_set_aside_and_what_comes_after_it_waits_behind_it(
    database: Database,
) -> None:
    consumer = Consumer(database)
    consumer.says = {"1": [RuntimeError("a bug"), RuntimeError("a bug")]}
    for number, key in ((1, "a"), (2, "a"), (3, "b"), (4, ""), (1, "a"), (5, "a")):
        await consumer.take(message(number, key))
    assert consumer.applied == ["3", "4"]
    assert await consumer.rows() == [
        *(("1", "waiting", 1), ("2", "waiting", 0), ("5", "waiting", 0))
    ]
    async with consumer.trying():
        await consumer.until(lambda rows: not rows)
    assert consumer.applied == ["3", "4", "1", "2", "5"]


async def test_what_goes_on_failing_is_parked_until_it_is_replayed_and_holds_its_key(
    database: Database,
) -> None:
    consumer = Consumer(database)
    consumer.says = {"1": [RuntimeError("a bug") for _ in range(3)]}
    async with consumer.trying():
        for number in (1, 2):
            await consumer.take(message(number))
        await consumer.until(lambda rows: ("1", "parked", 3) in rows)
        await consumer.take(message(3))
        assert (await consumer.rows())[1:] == [("2", "waiting", 0), ("3", "waiting", 0)]
        assert consumer.applied == []
        async with database.connection() as conn:  # as `tarmac dead-letters --replay` does
            await conn.execute(
                "update parked set state = 'waiting', failures = 0, due_at = now()"
                " where state = 'parked'"
            )
        await consumer.until(lambda rows: not rows)
    assert consumer.applied == ["1", "2", "3"]
    assert consumer.counts.keys() == {"waiting", "parked"}


async def test_the_verb_sees_parked_messages_and_jobs_and_has_them_tried_again_or_forgotten(
    database_url: str,
) -> None:
    """What `tarmac dead-letters` does to the tables, beside the code that reads them."""
    urls = {"pay-db": database_url}
    assert await asyncio.to_thread(dead_letters.read, urls) == ()  # no such tables yet
    database = Database(database_url)
    consumer, jobs = Consumer(database, attempts=1), Jobs(database)
    worker = Worker(jobs)
    await database.open()

    async def never(_job: Job) -> None:
        raise PermanentFailure("no such list")

    jobs.handle("import", never)
    async with database.transaction() as conn:
        job_id = await jobs.add(conn, kind="import", payload={"rows": 3})
    assert await worker.run_one(job_id)
    consumer.says = {"1": [RuntimeError("a bug")]}
    for number in (1, 2):
        await consumer.take(message(number))
    found = await asyncio.to_thread(dead_letters.read, urls)
    assert [
        (letter.id, letter.kind, letter.what, letter.error, letter.behind) for letter in found
    ] == [
        ("pay-db/1", "message", "pay of order.placed", "RuntimeError: a bug", 1),
        (f"pay-db/{job_id}", "job", "import", "no such list", 0),
    ]
    with pytest.raises(BadInput, match="no dead letter with this id"):
        await asyncio.to_thread(dead_letters.change, urls, ["pay-db/1", "pay-db/99"])
    assert await asyncio.to_thread(dead_letters.change, urls, ["pay-db/1"]) == 1
    for _ in range(2):
        assert await consumer.dead_letters.once() == 1
    assert consumer.applied == ["1", "2"]
    assert await asyncio.to_thread(dead_letters.change, urls, [found[1].id]) == 1
    async with database.connection() as conn:
        job = await jobs.find(conn, job_id)
    assert (job and (job.state, job.attempts)) == ("queued", 0)
    assert await worker.run_one(job_id)
    assert await asyncio.to_thread(
        functools.partial(dead_letters.change, urls, [found[1].id], drop=True)
    )
    assert await asyncio.to_thread(dead_letters.read, urls) == ()
    await database.close()


async def test_poison_is_parked_at_once_and_holds_nothing(database: Database) -> None:
    consumer = Consumer(database)
    consumer.says = {"1": [PoisonMessage("no such order")]}
    for number in (1, 2):
        await consumer.take(message(number))
    assert await consumer.rows() == [("1", "parked", 1)]
    assert consumer.applied == ["2"]


async def test_somebody_elses_absence_is_waited_for_without_limit(database: Database) -> None:
    consumer = Consumer(database, attempts=1)
    consumer.says = {
        "1": [Unavailable("inventory"), RetryLater(0), ConnectionError(), Unavailable("x")]
    }
    await consumer.take(message(1))
    async with consumer.trying():
        while await consumer.rows():
            await consumer.let_time_pass()
            await asyncio.sleep(0.01)
    assert (consumer.applied, consumer.says) == (["1"], {"1": []})


async def test_what_no_column_can_hold_is_left_to_the_broker_to_park(database: Database) -> None:
    consumer = Consumer(database)
    with pytest.raises(PoisonMessage, match="the database cannot store it"):
        await consumer.take(Message("1", TOPIC, "o", {"name": "a\0b"}))
    consumer.says = {"2": [RuntimeError("of a\0b")]}
    await consumer.take(message(2))
    assert await consumer.rows() == [("2", "waiting", 1)]


async def test_without_an_inbox_the_broker_parks_what_failed_so_often() -> None:
    says: list[Exception] = [ValueError("a bug"), Unavailable("x"), PoisonMessage("never")]

    async def fails(_message: Message) -> None:
        raise says[0]

    guarded = limited(fails, 3)
    with pytest.raises(ValueError, match="a bug"):
        await guarded(replace(message(1), attempt=2))
    with pytest.raises(PoisonMessage, match="ValueError: a bug"):
        await guarded(replace(message(1), attempt=3))
    for error in says[1:]:
        says[0] = error
        with pytest.raises(type(error)):
            await guarded(replace(message(1), attempt=99))


async def test_without_its_database_a_message_stays_with_the_broker(database: Database) -> None:
    consumer = Consumer(database)
    consumer.says = {"1": [DatabaseUnavailable("gone while it was handled")]}
    with pytest.raises(DatabaseUnavailable):
        await consumer.take(message(1))
    assert await consumer.rows() == []
    await database.close()
    with pytest.raises(DatabaseUnavailable):
        await consumer.take(message(1))


async def test_two_replicas_try_each_message_once(database: Database) -> None:
    consumers = [Consumer(database) for _ in range(2)]
    for number in range(40):
        consumers[0].says[str(number)] = [RuntimeError("a bug")]
        await consumers[0].take(message(number, f"k{number % 8}"))
    async with consumers[0].trying(), consumers[1].trying():
        await consumers[0].let_time_pass()
        await consumers[0].until(lambda rows: not rows)
    applied = [*consumers[0].applied, *consumers[1].applied]
    assert sorted(map(int, applied)) == list(range(40))


async def test_a_try_that_was_replaced_changes_nothing(database: Database) -> None:
    slow, other = Consumer(database), Consumer(database)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def hangs(_message: Message) -> None:
        begun.set()
        await go_on.wait()

    slow.says = {"1": [RuntimeError("a bug")]}
    other.says = {"1": [RuntimeError("a bug")]}
    await slow.take(message(1))
    slow.dead_letters.around(TOPIC, GROUP, hangs)
    await slow.let_time_pass()
    first = asyncio.create_task(slow.dead_letters.once())
    await asyncio.wait_for(begun.wait(), 60)
    await slow.let_time_pass()  # its lease is over
    assert await other.dead_letters.once() == 1
    go_on.set()
    await first
    assert await other.rows() == [("1", "waiting", 2)]


async def test_what_was_parked_long_ago_is_deleted_and_no_longer_waited_for(
    database: Database,
) -> None:
    consumer = Consumer(database, attempts=1)
    consumer.says = {"1": [RuntimeError("a bug")]}
    for number in (1, 2):
        await consumer.take(message(number))
    assert await consumer.dead_letters.prune(keep_s=3600) == 0
    async with database.connection() as conn:
        await conn.execute("update parked set changed_at = now() - interval '2 hours'")
    assert await consumer.dead_letters.prune(keep_s=3600) == 1
    assert await consumer.dead_letters.once() == 1
    assert consumer.applied == ["2"]


async def test_a_service_with_an_inbox_sets_aside_and_one_without_leaves_it_to_the_broker(
    database_url: str,
) -> None:
    async def poison(_message: Message) -> None:
        raise PoisonMessage("never")

    def with_inbox(chassis: Chassis) -> None:
        chassis.consume(TOPIC, poison, group="with")
        chassis.inbox(chassis.database())

    def without(chassis: Chassis) -> None:
        chassis.consume(TOPIC, poison, group="without")

    bus = FakeBus()
    app = create_app(
        [Part("with", with_inbox), Part("without", without)],
        {"DATABASE_URL": database_url, "CONSUMES": TOPIC},
        bus=bus,
    )
    async with running(app):
        await bus.publish(message(1))
        conn = await asyncpg.connect(database_url)
        rows = await conn.fetch("select consumer, error from parked")
        await conn.close()
    assert [tuple(row) for row in rows] == [("with", "never")]
    assert [reason for _, reason in bus.dead_letters] == ["never"]


def test_whose_fault_a_failure_is() -> None:
    away = (
        Unavailable("x"),
        TimeoutError(),
        OSError(),
        Problem(503, "a", "b"),
        Problem(429, "a", "b"),
    )
    own = (ValueError(), Problem(409, "a", "b"), asyncpg.UniqueViolationError(), KeyError("x"))
    assert [is_away(error) for error in away] == [True] * 5
    assert [is_away(error) for error in own] == [False] * 4
