"""One effect and one answer per key, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from tarmac_kit import Answer, Database, Idempotency, Problem, fingerprint

pytestmark = pytest.mark.servers


class Till:
    """Work that leaves a row, so that doing it twice shows."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ids: list[UUID] = []

    async def charge(self, work_id: UUID) -> Answer:
        self.ids.append(work_id)
        async with self.database.transaction() as conn:
            await conn.execute("insert into charges (id) values ($1)", work_id)
            await conn.execute("select pg_sleep(0.02)")
        return Answer(201, {"id": work_id}, {"Location": f"/charges/{work_id}"})

    async def count(self) -> int:
        async with self.database.connection() as conn:
            return await conn.fetchval("select count(*) from charges")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    made = Database(database_url, pool_max=20)
    Idempotency(made)
    await made.open()
    async with made.connection() as conn:
        await conn.execute("create table charges (id uuid)")
    yield made
    await made.close()


async def test_twenty_connections_at_once_give_one_effect(database: Database) -> None:
    till = Till(database)
    keys = Idempotency(database)
    answers = await asyncio.gather(
        *(keys.run(scope="charge", key="k", fingerprint="f", fn=till.charge) for _ in range(20))
    )
    assert await till.count() == 1
    assert sum(not answer.replayed for answer in answers) == 1
    assert {answer.response().body for answer in answers} == {answers[0].response().body}
    assert {answer.headers["Location"] for answer in answers} == {f"/charges/{till.ids[0]}"}
    replayed = next(answer for answer in answers if answer.replayed)
    assert replayed.response().headers["Idempotency-Replayed"] == "true"


async def test_the_same_key_with_another_body_is_422(database: Database) -> None:
    till = Till(database)
    keys = Idempotency(database)
    for body in ({"a": 1}, {"a": 2}):
        run = keys.run(scope="charge", key="k", fingerprint=fingerprint(body), fn=till.charge)
        if body == {"a": 1}:
            await run
        else:
            with pytest.raises(Problem) as raised:
                await run
            assert (raised.value.status, raised.value.code) == (422, "idempotency_key_reused")
    assert await till.count() == 1


async def test_a_key_that_stays_in_hand_elsewhere_is_409_with_retry_after(
    database: Database,
) -> None:
    keys = Idempotency(database, wait_s=0.1)
    working = asyncio.Event()
    done = asyncio.Event()

    async def slow(_work_id: UUID) -> Answer:
        working.set()
        await done.wait()
        return Answer(200, {})

    first = asyncio.create_task(keys.run(scope="s", key="k", fingerprint="f", fn=slow))
    await working.wait()
    with pytest.raises(Problem) as raised:
        await keys.run(scope="s", key="k", fingerprint="f", fn=slow)
    assert raised.value.status == 409
    assert raised.value.headers["Retry-After"] == "1"
    done.set()
    assert (await first).status == 200


async def test_other_scopes_do_not_share_a_key(database: Database) -> None:
    till = Till(database)
    keys = Idempotency(database)
    for scope in ("alice", "bob"):
        answer = await keys.run(scope=scope, key="k", fingerprint="f", fn=till.charge)
        assert not answer.replayed
    assert await till.count() == 2


async def test_a_refusal_is_an_answer_and_a_failure_frees_the_key(database: Database) -> None:
    keys = Idempotency(database)
    raised: list[Exception] = [
        RuntimeError("a bug"),
        Problem(503, "away", "Away"),
        Problem(409, "out_of_stock", "Out of stock", short=["p1"]),
    ]
    ids: list[UUID] = []

    async def refuse(work_id: UUID) -> Answer:
        ids.append(work_id)
        raise raised.pop(0)

    async def run() -> Answer:
        return await keys.run(scope="s", key="k", fingerprint="f", fn=refuse)

    with pytest.raises(RuntimeError):
        await run()
    with pytest.raises(Problem, match="503"):
        await run()
    first, again = await run(), await run()
    assert (first.status, first.body["short"], first.replayed) == (409, ["p1"], False)
    assert (again.status, again.body["short"], again.replayed) == (409, ["p1"], True)
    assert again.response().headers["content-type"] == "application/problem+json"
    assert len(ids) == 3
    assert len(set(ids)) == 1, "a retry must find what the first attempt made"


async def test_work_of_a_process_that_died_is_taken_over_with_the_same_id(
    database: Database,
) -> None:
    dying = Idempotency(database, lease_s=0.05)
    ids: list[UUID] = []
    begun = asyncio.Event()

    async def die(work_id: UUID) -> Answer:
        ids.append(work_id)
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError("it is never let go")

    async def finish(work_id: UUID) -> Answer:
        ids.append(work_id)
        return Answer(201, {})

    dead = asyncio.create_task(dying.run(scope="s", key="k", fingerprint="f", fn=die))
    await begun.wait()
    answer = await Idempotency(database).run(scope="s", key="k", fingerprint="f", fn=finish)
    assert (answer.status, answer.replayed) == (201, False)
    assert ids[0] == ids[1]
    # The late one must not undo the answer when it ends after all.
    dead.cancel()
    await asyncio.gather(dead, return_exceptions=True)
    again = await Idempotency(database).run(scope="s", key="k", fingerprint="f", fn=finish)
    assert again.replayed


async def test_old_keys_are_deleted(database: Database) -> None:
    keys = Idempotency(database)
    till = Till(database)
    await keys.run(scope="s", key="k", fingerprint="f", fn=till.charge)
    assert await keys.prune(keep_s=3600) == 0
    async with database.connection() as conn:
        await conn.execute("update idempotency_keys set created_at = now() - interval '2 hours'")
    assert await keys.prune(keep_s=3600) == 1
