"""Migrations, the pool and readiness on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import Counter
from pathlib import Path

import asyncpg
import psutil
import pytest
from fastapi import APIRouter
from waiting import until

from tarmac_kit import Chassis, Database, DatabaseUnavailable, Part, create_app, deadline
from tarmac_kit.database import DatabaseReadOnly
from tarmac_kit.migrations import MigrationError
from tarmac_kit_testing import FakeClock, InProcess, running

pytestmark = pytest.mark.servers


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, sql in files.items():
        (folder / f"{name}.sql").write_text(sql)
    return folder


async def opened(url: str, folder: Path) -> Database:
    database = Database(url)
    database.add_migrations("things", folder)
    await database.open()
    return database


async def test_two_starters_at_once_apply_each_migration_once(
    database_url: str, tmp_path: Path
) -> None:
    slow = "create table a (x int); select pg_sleep(0.2); insert into a values (1)"
    folder = write(tmp_path / "m", **{"0001_a": slow, "0002_b": "insert into a values (2)"})
    first, second = await asyncio.gather(opened(database_url, folder), opened(database_url, folder))
    async with first.connection() as conn:
        assert [row["x"] for row in await conn.fetch("select x from a order by x")] == [1, 2]
        assert await conn.fetchval("select count(*) from schema_migrations") == 2
    await first.close()
    await second.close()


async def test_an_applied_file_that_was_changed_is_refused(
    database_url: str, tmp_path: Path
) -> None:
    folder = write(tmp_path / "m", **{"0001_a": "create table a (x int)"})
    await (await opened(database_url, folder)).close()
    write(folder, **{"0001_a": "create table a (x bigint)"})
    with pytest.raises(MigrationError, match=r"things/0001_a\.sql: was changed .* new migration"):
        await opened(database_url, folder)


async def test_a_migration_that_fails_leaves_nothing_and_names_its_file(
    database_url: str, tmp_path: Path
) -> None:
    folder = write(tmp_path / "m", **{"0001_a": "create table a (x int); select nonsense"})
    with pytest.raises(MigrationError, match=r"things/0001_a\.sql: .*nonsense"):
        await opened(database_url, folder)
    write(folder, **{"0001_a": "create table a (x int)"})
    database = await opened(database_url, folder)
    async with database.connection() as conn:
        assert await conn.fetchval("select count(*) from a") == 0
    await database.close()


async def test_hooks_run_after_commit_and_not_after_rollback(database_url: str) -> None:
    database = Database(database_url)
    await database.open()
    ran: list[str] = []
    async with database.transaction() as conn:
        database.after_commit(conn, lambda: ran.append("committed"))
        assert ran == []

    async def change_its_mind() -> None:
        async with database.transaction() as conn:
            database.after_commit(conn, lambda: ran.append("rolled back"))
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await change_its_mind()
    assert ran == ["committed"]
    await database.close()


async def test_json_columns_are_python_values(database_url: str) -> None:
    database = Database(database_url)
    await database.open()
    async with database.connection() as conn:
        assert await conn.fetchval("select $1::jsonb", {"a": [1, None]}) == {"a": [1, None]}
    await database.close()


async def test_a_connection_is_cleared_after_a_statement_that_changes_its_session(
    database_url: str,
) -> None:
    asked: list[str] = []
    database = Database(database_url, pool_max=1)
    database.on_statement = lambda done: asked.append(done.query.split("\n")[0])
    await database.open()

    async def one() -> int:
        async with database.transaction() as conn:
            return int(await conn.fetchval("select 1"))

    await one()
    assert asked == ["BEGIN;", "select 1", "COMMIT;"]  # nothing to clear
    async with database.connection() as conn:
        await conn.execute("set search_path to pg_catalog")
        await conn.fetchval("select pg_advisory_lock(7)")
    assert asked[-1].startswith("SELECT pg_advisory_unlock_all()")
    async with database.connection() as conn:
        assert await conn.fetchval("show search_path") != "pg_catalog"
        locks = "select count(*) from pg_locks where locktype = 'advisory'"
        assert await conn.fetchval(locks) == 0
    del asked[:]
    await one()
    assert len(asked) == 3
    await database.close()


async def test_a_connection_that_grew_old_is_closed_when_it_comes_back(database_url: str) -> None:
    clock = FakeClock()
    database = Database(database_url, max_age_s=300, clock=clock)
    await database.open()

    async def pid() -> int:
        async with database.connection() as conn:
            return int(await conn.fetchval("select pg_backend_pid()"))

    first = await pid()
    clock.advance(200)
    assert await pid() == first
    async with database.connection() as conn:
        clock.advance(101)
        assert await conn.fetchval("select pg_backend_pid()") == first  # not while it is in use
    second = await pid()
    assert second != first
    assert await pid() == second
    async with database.connection() as conn:
        asked = "select count(*) from pg_stat_activity where pid = $1"
        assert await conn.fetchval(asked, first) == 0
    await database.close()


async def test_a_transaction_that_outlives_its_connections_time_is_committed(
    database_url: str,
) -> None:
    clock = FakeClock()
    database = Database(database_url, max_age_s=10, pool_max=1, clock=clock)
    await database.open()
    for number in range(3):
        async with database.transaction() as conn:
            await conn.execute("create table if not exists t (x int)")
            await conn.execute("insert into t values ($1)", number)
            clock.advance(20)
    async with database.connection() as conn:
        assert await conn.fetchval("select count(*) from t") == 3
    await database.close()


async def test_a_full_pool_is_503_within_its_limit(database_url: str) -> None:
    database = Database(database_url, pool_max=1)
    await database.open()
    async with database.connection():
        with (
            deadline.within(0.1),
            pytest.raises(DatabaseUnavailable, match=r"no connection within 0\.1 s"),
        ):
            await database._acquire(database._pool)
        # Readiness is about the server, not about how busy this process is.
        await database.ping()
    await database.close()


async def test_a_connection_that_rested_and_hangs_is_replaced(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tarmac_kit.database._CHECK_AFTER_S", 0)
    database = Database(database_url)
    await database.open()
    async with database.connection() as conn:
        hanging = conn.get_server_pid()
    async with database.connection() as conn:
        assert conn.get_server_pid() == hanging, "a sound one is used again"
    # Stopped, it answers no more, as behind a host that vanished: nobody closes the connection.
    os.kill(hanging, signal.SIGSTOP)
    await until(lambda: psutil.Process(hanging).status() == psutil.STATUS_STOPPED)
    try:
        async with database.connection() as conn:
            assert conn.get_server_pid() != hanging
            assert await conn.fetchval("select 1") == 1
    finally:
        os.kill(hanging, signal.SIGCONT)
    await database.close()


async def test_an_error_of_ones_own_inside_a_transaction_is_not_the_databases(
    database_url: str,
) -> None:
    database = Database(database_url)
    await database.open()

    async def open_a_file() -> None:
        async with database.transaction():
            raise FileNotFoundError("mine")

    with pytest.raises(FileNotFoundError, match="mine"):
        await open_a_file()
    await database.close()


async def test_how_long_a_request_waits_for_a_connection_is_a_setting(database_url: str) -> None:
    database = Database(database_url, pool_max=1, acquire_s=30.0)
    await database.open()
    async with database.connection():  # for which a busy machine may take long
        database._acquire_s = 0.1
        with pytest.raises(DatabaseUnavailable, match=r"no connection within 0\.1 s"):
            await database._acquire(database._pool)
    await database.close()


async def test_a_request_waits_for_a_connection_that_opens_slowly(wire, monkeypatch) -> None:
    monkeypatch.setattr("tarmac_kit.database.CONNECT_S", 0.1)
    database = Database(wire.url, acquire_s=30.0)
    await database.open()
    wire.listen()
    wire.hold()
    acquired = asyncio.create_task(database._acquire(database._pool))
    await asyncio.wait_for(wire.asked.wait(), 60)
    await asyncio.sleep(0.3)  # longer than opening one may take for a request that waits less
    wire.passing.set()
    conn = await asyncio.wait_for(acquired, 60)
    assert await conn.fetchval("select 1") == 1
    await database._release(database._pool, conn)
    await database.close()


async def test_a_rested_connection_that_ends_while_it_is_asked_is_replaced(
    wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tarmac_kit.database._CHECK_AFTER_S", 0)
    database = Database(wire.url)
    await database.open()
    async with database.connection():
        pass
    wire.listen(silent=True)
    acquired = asyncio.create_task(database._acquire(database._pool))
    await asyncio.wait_for(wire.asked.wait(), 60)
    wire.silent = False
    wire.cut()
    conn = await asyncio.wait_for(acquired, 60)
    assert await conn.fetchval("select 1") == 1
    await database._release(database._pool, conn)
    wire.cut()  # it passes no end on: the pool would wait for it
    await database.close()


async def test_a_connection_lost_between_two_statements_is_503(wire) -> None:
    database = Database(wire.url)
    await database.open()

    async def lose() -> None:
        async with database.transaction() as conn:
            wire.cut()
            while True:  # the loss is seen when the loop next looks at the socket
                await conn.fetchval("select 1")

    with pytest.raises(DatabaseUnavailable, match="the connection was lost"):
        await asyncio.wait_for(lose(), 60)
    await database.close()


async def test_a_connection_the_server_says_goodbye_to_while_it_rests_is_503(
    wire,
) -> None:
    """Between the goodbye and the end of the connection asyncpg is in a state of its own."""
    database = Database(wire.url)
    await database.open()

    async def lose() -> None:
        async with database.connection() as conn:
            await conn.fetchval("select 1")
            await wire.say_goodbye(conn.get_server_pid())
            while True:  # until the goodbye has come through the socket
                await conn.fetchval("select 1", timeout=0.2)

    with pytest.raises(DatabaseUnavailable, match="the connection was lost"):
        await asyncio.wait_for(lose(), 60)
    await database.close()


async def test_a_full_disk_is_503_with_the_time_to_come_back(database_url: str) -> None:
    full = "do $$ begin raise exception 'No space left' using errcode = '53100'; end $$"

    def mount(chassis: Chassis) -> None:
        database, router = chassis.database(), APIRouter()

        @router.post("/things")
        async def add() -> None:
            async with database.transaction() as conn:
                await conn.execute(full)

        @router.get("/things")
        async def read() -> int:
            async with database.connection() as conn:
                return int(await conn.fetchval("select 1"))

        chassis.include(router)

    app = create_app([Part("things", mount)], {"DATABASE_URL": database_url})
    async with running(app) as http:
        answer = await http.post("/things")
        assert (answer.status, answer.json()["code"]) == (503, "database_full")
        assert answer.headers["retry-after"] == "10"
        assert "No space left" not in answer.body.decode()
        assert (await http.get("/things")).json() == 1
        # As with a server that is away, messages and jobs wait and are not dead-lettered.
    database = Database(database_url)
    await database.open()
    with pytest.raises(DatabaseUnavailable, match="no room for more"):
        async with database.connection() as conn:
            await conn.execute(full)
    await database.close()


async def test_a_read_only_database_is_503_and_its_connections_are_not_used_again(
    database_url: str,
) -> None:
    database = Database(database_url)
    await database.open()
    async with database.connection() as conn:
        await conn.execute("create table pledges (number int)")
        demoted = await conn.fetchval("select pg_backend_pid()")

    async def refused() -> None:
        async with database.transaction() as conn:
            assert await conn.fetchval("select pg_backend_pid()") == demoted
            await conn.execute("set transaction read only")
            await conn.execute("insert into pledges values (1)")

    with pytest.raises(DatabaseReadOnly, match="takes no writes now") as caught:
        await refused()
    assert (caught.value.status, caught.value.code) == (503, "database_read_only")
    async with database.transaction() as conn:
        assert await conn.fetchval("select pg_backend_pid()") != demoted
        await conn.execute("insert into pledges values (1)")
    await database.close()


def things(database_url: str) -> InProcess:
    def mount(chassis: Chassis) -> None:
        database = chassis.database()
        router = APIRouter()

        @router.get("/one")
        async def one() -> int:
            async with database.connection() as conn:
                return int(await conn.fetchval("select 1"))

        @router.post("/several")
        async def several() -> int:
            async with database.transaction() as conn:
                for _ in range(5):
                    await conn.execute("select pg_sleep(0.001)")
                return int(await conn.fetchval("select 1"))

        chassis.include(router)

    app = create_app([Part("things", mount)], {"DATABASE_URL": database_url})
    return InProcess(app)


async def wait_for_status(http: InProcess, path: str, status: int) -> None:
    async with asyncio.timeout(60):
        # Readiness is asked for, as a balancer does; it tells nobody.
        while (await http.get(path)).status != status:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_readiness_follows_the_database_and_liveness_does_not(
    postgres, database_url: str
) -> None:
    async with running(things(database_url).app) as http:
        assert (await http.get("/health/ready")).status == 200
        assert (await http.get("/one")).json() == 1
        postgres.kill()
        try:
            await wait_for_status(http, "/health/ready", 503)
            body = (await http.get("/health/ready")).json()
            assert body["failed"] == ["database"]
            assert body["checks"]["database"].startswith("failed: ")
            assert (await http.get("/health/live")).status == 200
            refused = await http.get("/one")
            assert (refused.status, refused.json()["code"]) == (503, "database_unavailable")
            assert refused.headers["retry-after"] == "1"
        finally:
            await asyncio.to_thread(postgres.start)
        await wait_for_status(http, "/health/ready", 200)
        assert (await http.get("/one")).status == 200


async def test_a_service_waits_for_a_database_that_is_not_there_yet(
    postgres, database_url: str
) -> None:
    postgres.kill()
    try:
        app = things(database_url).app
        await app.chassis.start()
        http = InProcess(app)
        assert (await http.get("/health/live")).status == 200
        assert (await http.get("/health/ready")).status == 503
        assert (await http.get("/one")).status == 503
    finally:
        await asyncio.to_thread(postgres.start)
    await app.chassis.opened()
    assert (await http.get("/one")).status == 200
    await app.chassis.stop()


async def kill_a_backend(database_url: str) -> None:
    """Kill -9 one: the server ends all others with it, and recovers."""
    conn = await Database(database_url).connect()
    try:
        os.kill(await conn.fetchval("select pg_backend_pid()"), signal.SIGKILL)
    finally:
        conn.terminate()


@pytest.mark.parametrize("how", ["the server at once", "one backend", "a shutdown"])
async def test_requests_in_hand_when_the_server_ends_are_answered_and_never_with_500(
    postgres, database_url: str, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    # Every connection is asked before it is used: that question may be cut off as well.
    monkeypatch.setattr("tarmac_kit.database._CHECK_AFTER_S", 0)
    statuses: Counter[int] = Counter()
    gone = asyncio.Event()

    async def caller(http: InProcess) -> None:
        while not gone.is_set():
            for answer in (await http.post("/several"), await http.get("/one")):
                statuses[answer.status] += 1
                # A refusal is answered at once; a caller does not spin on it.
                await asyncio.sleep(0 if answer.status == 200 else 0.005)

    async def reached(status: int, count: int) -> None:
        async with asyncio.timeout(60):
            while statuses[status] < count:  # noqa: ASYNC110 - a counter tells nobody
                await asyncio.sleep(0.01)

    async with running(things(database_url).app) as http:
        callers = [asyncio.create_task(caller(http)) for _ in range(30)]
        try:
            for _ in range(3):
                await wait_for_status(http, "/one", 200)
                served = statuses[200]
                await reached(200, served + 60)
                refused = statuses[503]
                if how == "one backend":
                    # One may hit a moment in which fewer than ten are waiting for the server.
                    async with asyncio.timeout(60):
                        while statuses[503] < refused + 10:
                            with contextlib.suppress(OSError, asyncpg.PostgresError):
                                await kill_a_backend(database_url)
                            await asyncio.sleep(0.5)
                else:
                    await asyncio.to_thread(
                        postgres.kill if how == "the server at once" else postgres.stop
                    )
                await reached(503, refused + 10)
                if how != "one backend":
                    await asyncio.to_thread(postgres.start)
        finally:
            if how != "one backend" and not postgres.is_up():
                await asyncio.to_thread(postgres.start)
            gone.set()
        await asyncio.gather(*callers)
        await wait_for_status(http, "/one", 200)
    assert set(statuses) <= {200, 503, 504}, statuses
