"""Jobs on a real PostgreSQL: once per key, retries, leases and fences, two replicas."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tarmac_kit import (
    Chassis,
    Database,
    Job,
    Jobs,
    LeaseLost,
    Part,
    PermanentFailure,
    RetryLater,
    create_app,
)
from tarmac_kit.worker import Worker
from tarmac_kit_testing import issue_token, running, static_verifier

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("patient")]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, pool_max=10)
    Jobs(database)  # its migrations
    await database.open()
    yield database
    await database.close()


class Replica:
    """One process with jobs; `counts` has how its runs ended."""

    def __init__(self, database: Database, **options: Any) -> None:
        self.jobs = Jobs(database)
        self.counts: Counter[tuple[str, str]] = Counter()
        self.worker = Worker(
            self.jobs, poll_s=0.05, count=lambda *what: self.counts.update([what]), **options
        )

    async def add(self, kind: str = "work", **options: Any) -> UUID:
        async with self.jobs.database.transaction() as conn:
            return await self.jobs.add(conn, kind=kind, **{"payload": {}, **options})

    async def until(self, job_id: UUID, *states: str) -> Job:
        async with asyncio.timeout(40):
            while True:
                async with self.jobs.database.connection() as conn:
                    job = await self.jobs.find(conn, job_id)
                assert job is not None
                if job.state in states:
                    return job
                await asyncio.sleep(0.01)

    async def counted(self, expected: dict[tuple[str, str], int]) -> None:
        """Wait for the counts: a run is counted after it is written."""
        async with asyncio.timeout(60):
            while self.counts != expected:  # noqa: ASYNC110 - a counter tells nobody
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[Replica]:
        task = asyncio.create_task(self.worker.run())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def always(answer: Any) -> Callable[[Job], Any]:
    async def run(_job: Job) -> Any:
        return answer

    return run


async def test_a_job_runs_once_and_its_result_is_kept(database: Database) -> None:
    replica = Replica(database)
    seen: list[dict[str, Any]] = []

    async def run(job: Job) -> dict[str, Any]:
        seen.append(job.payload)
        return {"doubled": job.payload["n"] * 2}

    replica.jobs.handle("work", run)
    job_id = uuid4()
    async with replica.working():
        for _ in range(2):
            assert await replica.add(payload={"n": 4}, id=job_id) == job_id
        job = await replica.until(job_id, "done")
        assert (job.result, job.attempts, seen) == ({"doubled": 8}, 1, [{"n": 4}])
        await replica.counted({("work", "done"): 1})


async def test_what_is_rolled_back_never_runs_and_what_nobody_handles_is_refused(
    database: Database,
) -> None:
    replica = Replica(database)
    replica.jobs.handle("work", always(None))
    rolled_back = uuid4()

    async def add_and_fail() -> None:
        async with database.transaction() as conn:
            await replica.jobs.add(conn, kind="work", payload={}, id=rolled_back)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await add_and_fail()
    async with database.connection() as conn:
        assert await replica.jobs.find(conn, rolled_back) is None
    with pytest.raises(LookupError, match="no handler for other"):
        await replica.add("other")
    with pytest.raises(ValueError, match="has two handlers"):
        replica.jobs.handle("work", always(None))


async def test_what_fails_is_tried_again_and_parked_after_its_attempts_until_it_is_replayed(
    database: Database,
) -> None:
    replica = Replica(database)
    broken = True

    async def run(job: Job) -> int:
        if broken:
            raise RuntimeError(f"attempt {job.attempts}")
        return job.attempts

    replica.jobs.handle("work", run, attempts=3, backoff_s=0.01)
    async with replica.working():
        job_id = await replica.add()
        job = await replica.until(job_id, "parked")
        assert (job.attempts, job.error) == (3, "RuntimeError: attempt 3")
        await replica.counted({("work", "retry"): 2, ("work", "parked"): 1})
        broken = False
        async with database.transaction() as conn:
            assert await replica.jobs.replay(conn, uuid4()) == []
            assert await replica.jobs.replay(conn, job_id) == [job_id]
        assert (await replica.until(job_id, "done")).result == 1


async def test_a_job_parks_itself_at_once_and_one_that_comes_later_costs_no_attempt(
    database: Database,
) -> None:
    replica = Replica(database)
    asked = 0

    async def never(_job: Job) -> None:
        raise PermanentFailure("no such account")

    async def waits(job: Job) -> int:
        nonlocal asked
        asked += 1
        if asked < 5:
            raise RetryLater(0.01)
        return job.attempts

    replica.jobs.handle("never", never)
    replica.jobs.handle("waits", waits, attempts=1)
    replica.jobs.handle("odd", always(object()), attempts=1)
    async with replica.working():
        never_id, waits_id, odd_id = [await replica.add(kind) for kind in ("never", "waits", "odd")]
        assert (await replica.until(never_id, "parked")).error == "no such account"
        assert (await replica.until(waits_id, "done")).result == 1
        assert "is not JSON" in str((await replica.until(odd_id, "parked")).error)


async def test_a_job_waits_for_its_time_and_can_be_woken(database: Database) -> None:
    replica = Replica(database)
    asked: list[int] = []
    running, go_on = asyncio.Event(), asyncio.Event()

    async def run(job: Job) -> None:
        asked.append(job.attempts)
        if len(asked) == 1:
            running.set()
            await go_on.wait()
            raise RetryLater(3600)

    replica.jobs.handle("work", run)
    async with replica.working():
        job_id = await replica.add(run_at=datetime.now(UTC) + timedelta(hours=1))
        soon = await replica.add(run_at=datetime.now(UTC) + timedelta(seconds=0.05))
        await asyncio.wait_for(running.wait(), 60)
        async with database.transaction() as conn:
            await replica.jobs.wake(conn, soon)  # while it runs
        go_on.set()
        await replica.until(soon, "done")
        async with database.connection() as conn:
            waiting = await replica.jobs.find(conn, job_id)
        assert (waiting and waiting.state) == "queued"
        async with database.transaction() as conn:
            await replica.jobs.wake(conn, job_id)
        await replica.until(job_id, "done")
        assert asked == [1, 1, 1]


async def test_one_job_of_a_key_runs_at_a_time_over_two_replicas_and_every_job_runs_once(
    database: Database,
) -> None:
    replicas = [Replica(database, at_once=8) for _ in range(2)]
    in_hand: Counter[str] = Counter()
    most: Counter[str] = Counter()
    runs: Counter[int] = Counter()

    async def run(job: Job) -> None:
        in_hand[job.key] += 1
        most[job.key] = max(most[job.key], in_hand[job.key])
        runs[job.payload["n"]] += 1
        await asyncio.sleep(0.002)
        in_hand[job.key] -= 1

    for replica in replicas:
        replica.jobs.handle("work", run)
    ids = [await replicas[0].add(payload={"n": n}, key="ab "[n % 3].strip()) for n in range(60)]
    async with replicas[0].working(), replicas[1].working():
        for job_id in ids:
            await replicas[0].until(job_id, "done")
    assert (most["a"], most["b"]) == (1, 1)
    assert most[""] > 1
    assert runs == dict.fromkeys(range(60), 1)
    assert all(replica.counts["work", "done"] for replica in replicas)


async def test_a_worker_that_lost_its_lease_can_write_nothing_more(database: Database) -> None:
    # It has its hands full, or it could take its own job again before the other one does.
    frozen, other = Replica(database, at_once=1), Replica(database)
    begun, thawed = asyncio.Event(), asyncio.Event()

    async def slow(job: Job) -> str:
        begun.set()
        await thawed.wait()
        async with database.transaction() as conn:
            with pytest.raises(LeaseLost):
                await frozen.jobs.hold(conn, job)
            with pytest.raises(LeaseLost):
                await frozen.jobs.finish(conn, job, "frozen")
        return "frozen"

    frozen.jobs.handle("work", slow)
    other.jobs.handle("work", always("other"))
    async with frozen.working():
        job_id = await frozen.add()
        await asyncio.wait_for(begun.wait(), 60)
        assert not await other.worker.run_one(job_id), "its lease holds"
        async with database.connection() as conn:  # as if it had not renewed in time
            await conn.execute("update jobs set due_at = now() where id = $1", job_id)
        assert await other.worker.run_one(job_id)
        thawed.set()
        await frozen.counted({("work", "lost"): 1})
    assert (await other.until(job_id, "done")).result == "other"


async def test_a_run_whose_job_another_has_is_ended(database: Database) -> None:
    replica = Replica(database)
    begun, cut = asyncio.Event(), asyncio.Event()

    async def slow(_job: Job) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cut.set()

    replica.jobs.handle("work", slow, lease_s=0.5)
    async with replica.working():
        job_id = await replica.add()
        await asyncio.wait_for(begun.wait(), 60)
        async with database.connection() as conn:  # as another's claim does
            await conn.execute(
                "update jobs set fence = fence + 1, due_at = now() + interval '1 hour'"
                " where id = $1",
                job_id,
            )
        await asyncio.wait_for(cut.wait(), 60)
        await replica.counted({("work", "lost"): 1})
        job = await replica.until(job_id, "running")
    assert (job.result, job.error) == (None, None), "it is the other's to end"


async def test_the_lease_is_renewed_for_as_long_as_a_run_takes(database: Database) -> None:
    first, second = Replica(database), Replica(database)
    runs: list[int] = []

    async def slow(job: Job) -> None:
        runs.append(job.attempts)
        await asyncio.sleep(3.0)

    for replica in (first, second):
        # Renewed three times in it: not so short that a busy machine lets it run out.
        replica.jobs.handle("work", slow, lease_s=2.0)
    async with first.working(), second.working():
        job_id = await first.add()
        await first.until(job_id, "done")
    assert runs == [1]


async def test_a_job_whose_process_died_is_run_by_another_and_parked_if_it_kills_each(
    database: Database,
) -> None:
    replica = Replica(database)
    replica.jobs.handle("work", always("done"), attempts=2)
    killer, victim = uuid4(), uuid4()
    for job_id in (killer, victim):
        await replica.add(id=job_id)
    async with database.connection() as conn:  # what a process leaves that was killed
        await conn.execute("update jobs set state = 'running', fence = 1, attempts = 1")
        await conn.execute("update jobs set attempts = 2 where id = $1", killer)
    async with replica.working():
        assert (await replica.until(victim, "done")).result == "done"
        assert "ended 2 time(s)" in str((await replica.until(killer, "parked")).error)


async def test_a_worker_that_ends_gives_back_what_it_has_in_hand(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tarmac_kit.worker.CLOSE_S", 0.01)
    replica = Replica(database)
    begun = asyncio.Event()

    async def hangs(_job: Job) -> None:
        begun.set()
        await asyncio.Event().wait()

    replica.jobs.handle("work", hangs)
    async with replica.working():
        job_id = await replica.add()
        await asyncio.wait_for(begun.wait(), 60)
    job = await replica.until(job_id, "queued")
    assert job.attempts == 0


async def test_what_no_column_can_hold_parks_the_job(database: Database) -> None:
    replica = Replica(database)

    async def fails(_job: Job) -> None:
        raise RuntimeError("of a\0b")

    replica.jobs.handle("result", always("a\0b"))
    replica.jobs.handle("error", fails, attempts=1)
    ids = [await replica.add(kind) for kind in ("result", "error")]
    async with replica.working():
        result, error = [await replica.until(job_id, "parked") for job_id in ids]
    assert "its result cannot be stored" in str(result.error)
    assert error.error == "RuntimeError: of ab"


async def test_a_job_is_shown_to_whom_it_concerns_and_to_nobody_else(database_url: str) -> None:
    made: list[Jobs] = []

    def mount(chassis: Chassis) -> None:
        made.append(chassis.jobs(chassis.database()))
        made[0].handle("work", always("done"))
        chassis.include(made[0].router(lambda job, user: job.payload["of"] == user.subject))

    app = create_app([Part("p", mount)], {"DATABASE_URL": database_url}, verifier=static_verifier())
    async with running(app) as client:
        async with made[0].database.transaction() as conn:
            job_id = await made[0].add(conn, kind="work", payload={"of": "ann"})
        path = f"/jobs/{job_id}"
        answers = [
            (await client.get(path)).status,
            (await client.get(path, token=issue_token("bob"))).status,
            (await client.get(path, token=issue_token("ann"))).status,
        ]
        assert answers == [401, 404, 200]
        shown = (await client.get(path, token=issue_token("ann"))).json()
    assert "payload" not in shown
    assert shown["kind"] == "work"


async def test_a_run_may_end_its_job_in_the_transaction_of_what_it_did(database: Database) -> None:
    replica = Replica(database)

    async def run(job: Job) -> None:
        async with database.transaction() as conn:
            await conn.execute("create table made (n int)")
            await replica.jobs.finish(conn, job, {"made": 1})

    replica.jobs.handle("work", run)
    async with replica.working():
        job = await replica.until(await replica.add(), "done")
    assert job.result == {"made": 1}
    await replica.counted({("work", "done"): 1})


async def test_whoever_looks_sees_how_many_jobs_wait_and_how_many_are_parked(
    database: Database,
) -> None:
    seen: dict[str, int] = {}
    replica = Replica(database, states=seen.__setitem__)

    async def never(_job: Job) -> None:
        raise PermanentFailure("no")

    replica.jobs.handle("never", never)
    replica.jobs.handle("work", always(None))
    parked = await replica.add("never")
    assert await replica.worker.run_one(parked)
    await replica.add(run_at=datetime.now(UTC) + timedelta(hours=1))
    async with replica.working(), asyncio.timeout(60):
        while not seen:  # noqa: ASYNC110 - a gauge tells nobody
            await asyncio.sleep(0.01)
    assert seen == {"queued": 1, "running": 0, "parked": 1}


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_happens_to_runs_each_job_ends_and_no_key_is_run_twice_at_once(
    database: Database, seed: int
) -> None:
    """Runs fail, wait, are parked, and lose their leases, on two replicas."""
    chance = random.Random(seed)
    replicas = [Replica(database, at_once=6) for _ in range(2)]

    async def run(job: Job) -> str:
        if job.key:
            # Whoever lost its lease is no holder any more; else there is one.
            async with database.transaction() as conn:
                await replicas[0].jobs.hold(conn, job)
                running = await conn.fetchval(
                    "select count(*) from jobs where key = $1 and state = 'running'", job.key
                )
            assert running == 1
            await asyncio.sleep(chance.uniform(0, 0.01))
        match chance.choice(["ok", "ok", "fail", "later", "park", "stolen"]):
            case "fail":
                raise RuntimeError("fails")
            case "later":
                raise RetryLater(0.01)
            case "park":
                raise PermanentFailure("parked")
            case "stolen":
                async with database.connection() as conn:
                    await conn.execute("update jobs set due_at = now() where id = $1", job.id)
                for _ in range(100):  # until another run has it, or nobody is free to take it
                    await asyncio.sleep(0.01)
                    async with database.connection() as conn:
                        fence = await conn.fetchval("select fence from jobs where id = $1", job.id)
                    if fence != job.fence:
                        break
        return "ok"

    for replica in replicas:
        replica.jobs.handle("work", run, attempts=4, backoff_s=0.01, lease_s=5)
    ids = [await replicas[0].add(key=chance.choice(["", "a", "b"])) for _ in range(20)]
    async with replicas[0].working(), replicas[1].working():
        jobs = [await replicas[0].until(job_id, "done", "parked") for job_id in ids]
    assert {job.state for job in jobs} == {"done", "parked"}
    for job in jobs:
        assert (job.result == "ok") == (job.state == "done")
        assert job.attempts <= 5
        assert "AssertionError" not in (job.error or "")
    lost = sum(replica.counts["work", "lost"] for replica in replicas)
    assert lost > 0, "no lease was lost: the test shows nothing"


async def test_old_done_jobs_are_deleted_and_parked_ones_kept(database: Database) -> None:
    replica = Replica(database)
    replica.jobs.handle("work", always(None))
    ids = [await replica.add() for _ in range(3)]
    async with database.connection() as conn:
        for job_id, state in zip(ids, ("done", "parked", "queued"), strict=True):
            await conn.execute(
                "update jobs set state = $2, changed_at = now() - interval '1 hour' where id = $1",
                job_id,
                state,
            )
    assert await replica.jobs.prune(keep_s=1800) == 1
    async with database.connection() as conn:
        left = [await replica.jobs.find(conn, job_id) for job_id in ids]
    assert [job and job.state for job in left] == [None, "parked", "queued"]
