"""Sagas on a real PostgreSQL: to the end or back, through crashes, with two replicas."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest

from tarmac_kit import Database, Jobs, RetryLater, Saga, Sagas, Step, StepRejected
from tarmac_kit.worker import Worker

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("patient")]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, pool_max=10)
    Process(database, World())  # its migrations
    await database.open()
    yield database
    await database.close()


class World:
    """What the steps change elsewhere; `says` has what a step raises, one for each time."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.asked: list[str] = []
        self.says: dict[str, list[BaseException | asyncio.Event]] = {}

    async def ask(self, what: str) -> None:
        self.asked.append(what)
        if self.says.get(what):
            said = self.says[what].pop(0)
            if isinstance(said, asyncio.Event):
                said.set()
                await asyncio.Event().wait()
            else:
                raise said

    def step(self, name: str, **options: Any) -> Step:
        async def do(_id: UUID, data: dict[str, Any]) -> dict[str, Any]:
            await self.ask(name)
            if name not in self.done:
                self.done.append(name)
            return {name: len(data)}

        async def undo(_id: UUID, _data: dict[str, Any]) -> None:
            await self.ask(f"-{name}")
            if name in self.done:
                self.done.remove(name)

        return Step(name, do, undo, **options)


class Process:
    """One process that has the saga a, b, c."""

    def __init__(
        self, database: Database, world: World, *, deadline_s: float = 60, lease_s: float = 10
    ) -> None:
        self.database = database
        jobs = Jobs(database)
        self.worker = Worker(jobs, poll_s=0.02)
        self.sagas = Sagas(
            jobs,
            self.worker,
            "buy",
            steps=(world.step("a"), world.step("b", deadline_s=30), world.step("c")),
            deadline_s=deadline_s,
            lease_s=lease_s,
        )

    async def begin(self, **options: Any) -> UUID:
        saga_id = uuid4()
        for _ in range(2):
            async with self.database.transaction() as conn:
                await self.sagas.begin(conn, saga_id, {"n": 1}, **options)
        return saga_id

    async def history(self, saga_id: UUID) -> list[str]:
        async with self.database.connection() as conn:
            return [f"{e.step} {e.what}" for e in await self.sagas.history(conn, saga_id)]

    async def until_ended(self, saga_id: UUID) -> Saga:
        async with asyncio.timeout(60):
            while True:
                async with self.database.connection() as conn:
                    saga = await self.sagas.find(conn, saga_id)
                assert saga is not None
                if saga.ended:
                    return saga
                await asyncio.sleep(0.01)

    async def let_time_pass(self) -> None:
        """Have what waits for its time, or for the end of a lease, be due now."""
        async with self.database.connection() as conn:
            await conn.execute("update jobs set due_at = now() where state <> 'done'")

    @asynccontextmanager
    async def working(self) -> AsyncIterator[Process]:
        task = asyncio.create_task(self.worker.run())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_a_saga_goes_through_its_steps_and_each_gets_what_those_before_it_said(
    database: Database,
) -> None:
    world = World()
    process = Process(database, world)
    saga_id = await process.begin()
    saga = await process.sagas.advance(saga_id)
    assert (saga.state, saga.data) == ("done", {"n": 1, "a": 1, "b": 2, "c": 3})
    assert world.asked == ["a", "b", "c"]
    assert await process.history(saga_id) == [
        *("a begun", "a done", "b begun", "b done", "c begun", "c done")
    ]
    assert await process.sagas.advance(saga_id) == saga
    with pytest.raises(LookupError, match="never begun"):
        await process.sagas.advance(uuid4())


async def test_a_refusal_undoes_what_was_begun_in_reverse_order(database: Database) -> None:
    world = World()
    world.says = {"c": [StepRejected("no money")], "-b": [RuntimeError("away")]}
    process = Process(database, world)
    saga_id = await process.begin()
    saga = await process.sagas.advance(saga_id)
    assert (saga.state, saga.reason, saga.failures) == ("compensating", "no money", 1)
    await process.let_time_pass()
    saga = await process.sagas.advance(saga_id)
    assert (saga.state, saga.reason, world.done) == ("compensated", "no money", [])
    assert world.asked == ["a", "b", "c", "-c", "-b", "-b", "-a"]
    assert (await process.history(saga_id))[5:] == [
        *("c refused", "c undone", "b failed", "b undone", "a undone")
    ]


async def test_a_step_that_fails_is_tried_again_until_its_time_is_over_then_all_is_undone(
    database: Database,
) -> None:
    world = World()
    world.says = {"b": [RuntimeError("away")] * 3}
    process = Process(database, world)
    saga_id = await process.begin()
    for failures in (1, 2):
        saga = await process.sagas.advance(saga_id)
        assert (saga.state, saga.failures) == ("running", failures)
    async with database.connection() as conn:
        await conn.execute("update sagas set step_at = now() - interval '31 seconds'")
    saga = await process.sagas.advance(saga_id)
    assert (saga.state, saga.reason, world.done) == ("compensated", "its deadline has passed", [])


async def test_a_step_that_never_answers_is_given_up_when_the_saga_is_over(
    database: Database,
) -> None:
    world, asked = World(), asyncio.Event()
    world.says = {"a": [asked]}
    process = Process(database, world, deadline_s=3)  # it begins before the step is asked
    saga_id = await process.begin(take_after_s=0)
    async with process.working():
        saga = await process.until_ended(saga_id)
    assert (saga.state, saga.reason) == ("compensated", "its deadline has passed")
    assert asked.is_set()


async def test_a_step_may_wait_and_be_woken(database: Database) -> None:
    world = World()
    world.says = {"b": [RetryLater(3600)]}
    process = Process(database, world)
    saga_id = await process.begin()
    assert (await process.sagas.advance(saga_id)).state == "running"
    async with process.working():
        async with database.transaction() as conn:
            await process.sagas.wake(conn, saga_id)
        assert (await process.until_ended(saga_id)).state == "done"
    assert world.asked == ["a", "b", "b", "c"]


async def test_what_was_begun_and_left_is_taken_on_by_a_worker(database: Database) -> None:
    world = World()
    process = Process(database, world)
    saga_id = await process.begin(take_after_s=0)
    async with process.working():
        assert (await process.until_ended(saga_id)).state == "done"


@pytest.mark.parametrize("where", ["a", "b", "c", "-b", "-a"])
async def test_a_process_that_dies_within_a_step_is_followed_by_another(
    database: Database, where: str
) -> None:
    world, died = World(), asyncio.Event()
    world.says = {where: [died]}
    if where.startswith("-"):
        world.says["c"] = [StepRejected("no")]
    mortal = Database(database.url)
    first, second = (Process(held, world, lease_s=0.5) for held in (mortal, database))
    await mortal.open()
    saga_id = await first.begin()
    advancing = asyncio.create_task(first.sagas.advance(saga_id))
    await asyncio.wait_for(died.wait(), 60)
    # From here on it writes nothing any more, not even at its end: as with kill -9.
    await mortal.close()
    async with second.working():
        saga = await second.until_ended(saga_id)
    advancing.cancel()
    await asyncio.gather(advancing, return_exceptions=True)
    if where.startswith("-"):
        assert (saga.state, world.done) == ("compensated", [])
    else:
        assert (saga.state, world.done) == ("done", ["a", "b", "c"])
    assert world.asked.count(where) >= 2


async def test_two_replicas_and_callers_drive_one_saga_once(database: Database) -> None:
    world = World()
    replicas = [Process(database, world) for _ in range(2)]
    saga_id = await replicas[0].begin(take_after_s=0)
    async with replicas[0].working(), replicas[1].working():
        advances = (replicas[n % 2].sagas.advance(saga_id) for n in range(8))
        sagas = await asyncio.gather(*advances)
    assert {saga.state for saga in sagas} == {"done"}
    assert world.asked == ["a", "b", "c"]


async def test_a_step_that_was_taken_out_of_the_code_is_asked_for_until_it_is_back(
    database: Database,
) -> None:
    world = World()
    world.says = {"b": [RetryLater(0.0)]}
    process = Process(database, world)
    saga_id = await process.begin()
    assert (await process.sagas.advance(saga_id)).step == 1
    removed = process.sagas.steps.pop("b")
    assert (await process.sagas.advance(saga_id)).state == "running"
    async with database.connection() as conn:
        error = await conn.fetchval("select error from jobs")
    assert "its step b is gone" in error
    process.sagas.steps["b"] = removed
    assert (await process.sagas.advance(saga_id)).state == "done"


async def test_sagas_that_ended_long_ago_are_deleted_with_their_history(
    database: Database,
) -> None:
    process = Process(database, World())
    ended, other = await process.begin(), await process.begin()
    await process.sagas.advance(ended)
    async with database.connection() as conn:
        await conn.execute("update sagas set changed_at = now() - interval '1 hour'")
    assert await process.sagas.prune(keep_s=1800) == 1
    assert await process.history(ended) == []
    assert await process.history(other) == ["a begun"]


def test_a_saga_needs_steps_with_names_of_their_own() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    jobs = Jobs(database)
    worker, step = Worker(jobs), World().step("a")
    for steps in ((), (step, step)):
        with pytest.raises(ValueError, match="name of its own"):
            Sagas(jobs, worker, "buy", steps=steps, deadline_s=1)
