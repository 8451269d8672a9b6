"""Migrations, the pool and readiness on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from fastapi import APIRouter

from tarmac_kit import Chassis, Database, DatabaseUnavailable, Part, create_app, deadline
from tarmac_kit.migrations import MigrationError
from tarmac_kit.testing import InProcess, running

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


def things(database_url: str) -> InProcess:
    def mount(chassis: Chassis) -> None:
        database = chassis.database()
        router = APIRouter()

        @router.get("/one")
        async def one() -> int:
            async with database.connection() as conn:
                return int(await conn.fetchval("select 1"))

        chassis.include(router)

    app = create_app([Part("things", mount)], {"DATABASE_URL": database_url})
    return InProcess(app)


async def wait_for_status(http: InProcess, path: str, status: int) -> None:
    async with asyncio.timeout(15):
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
