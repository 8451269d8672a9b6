"""A real database that is backed up, loses its data and is restored, and what of it is back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import textwrap
import time

import asyncpg
import pytest
from drilling import ASKS_WEB
from sandbox import Sandbox, laid_out, web

from tarmac.base.errors import TarmacError
from tarmac.run.local.stores import redis
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.local_recovery import LocalRecovery
from tarmac.run.local.supervisor.local_target import local_target

LONG_S, POLL_S = 90.0, 0.05
SEED = """
    CREATE TABLE things (number int PRIMARY KEY, name text);
    INSERT INTO things SELECT n, 'thing ' || n FROM generate_series(1, 100) AS n;
    """
KEYS = (
    "SET color red",
    "HSET sizes-of one 1 two 2",
    "RPUSH queue first second",
    "SADD sizes 1 2 3",
    "ZADD scores 1 ann 2 bob",
    "XADD events 1-1 kind sold",
)
DRILL = """
    drill: 1
    title: The database is lost
    kind: restore
    load: {journey: ask, rate: 5}
    restore: {stores: [db], synchronous: true, rpo: 1ms, at: 1s}
    baseline: 2s
    recovery: 45s
    """


def system(folder) -> Sandbox:
    box = laid_out(folder)
    (folder / "things.sql").write_text(textwrap.dedent(SEED))
    box.write(f"""
        tarmac: 1
        system: small
        services:
          {web(more=", stores: {db: db}")}
        stores:
          db: {{kind: postgres, seed: things.sql}}
          cache: redis
        broker: nats
        """)
    return box


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    box = system(tmp_path_factory.mktemp("recovery"))
    box.up()
    yield box
    box.end()


@pytest.fixture
def store(running):
    with local_target(running.home) as target:
        yield target.recovery("db")


def sql(box: Sandbox, *statements: str) -> object:
    """Say statements to the database as its administrator; return the last one's value."""

    async def say() -> object:
        connection = await asyncpg.connect(client.store_url(box.home, "db"))
        try:
            for statement in statements:
                found = await connection.fetchval(statement)
            return found
        finally:
            await connection.close()

    return asyncio.run(say())


def until_it_takes(store: LocalRecovery, number: int) -> None:
    end = time.monotonic() + LONG_S
    while True:
        with contextlib.suppress(TarmacError):
            return store.mark(number)
        assert time.monotonic() < end
        time.sleep(POLL_S)


def lost_and_restored(store: LocalRecovery, number: int) -> None:
    """Lose the data and restore it; it is there again, and takes that mark."""
    assert store.data_mb() > 0
    store.lose_data()
    assert store.data_mb() == 0
    with pytest.raises(TarmacError):
        store.mark(999)
    store.restore_data()
    until_it_takes(store, number)


def test_what_was_archived_is_back_and_what_was_not_is_lost(running, store):
    store.back_up(3600, synchronous=False)  # by itself it archives nothing as long as this takes
    for number in range(5):
        store.mark(number)
    assert store.take_down_rows() >= 100
    sql(running, "UPDATE things SET name = 'other' WHERE number <= 10")
    archived = sql(running, "SELECT pg_walfile_name(pg_switch_wal())")
    end = time.monotonic() + LONG_S
    while (sql(running, "SELECT last_archived_wal FROM pg_stat_archiver") or "") < archived:
        assert time.monotonic() < end
        time.sleep(POLL_S)
    for number in range(5, 9):
        store.mark(number)
    sql(running, "UPDATE things SET name = 'later' WHERE number > 97")
    lost_and_restored(store, 10)
    assert store.marks() == [*range(5), 10]
    found = store.compare_rows()
    # Of the last change nothing is back; the rows stood there before, so that no row of `settled`.
    assert (found.tables, found.changed, found.settled) == (2, 3, {})
    assert sql(running, "SELECT count(*) FROM things WHERE name = 'other'") == 10
    assert running.until("web", lambda node: node["state"] == "healthy")


def test_an_archive_that_lies_is_seen(running, store):
    """Its command ends with 0 and copies nothing: every monitor of it says that all is well."""
    store.back_up(1, synchronous=False)
    sql(
        running,
        "ALTER SYSTEM SET archive_command = '/bin/true'",
        "SELECT pg_reload_conf()",
        "INSERT INTO things SELECT n, 'new' FROM generate_series(201, 220) AS n",
    )
    store.mark(20)
    store.take_down_rows()
    sql(running, "SELECT pg_switch_wal()")
    lost_and_restored(store, 21)
    assert 20 not in store.marks()
    assert 21 in store.marks()
    assert store.compare_rows().settled == {"public.things": 20}


def test_the_keys_of_a_redis_are_back_as_of_the_last_copy_of_its_file(running):
    url = client.store_url(running.home, "cache")
    asyncio.run(redis.say(url, ["SET gone soon", "PEXPIRE gone 1000", *KEYS]))
    with local_target(running.home) as target:
        cache = target.recovery("cache")
        cache.back_up(1, synchronous=False)
        assert cache.take_down_rows() == len(KEYS)
        cache.mark(1)
        copied = running.home.nodes / "cache" / "backup" / "aof"
        before = copied.stat().st_ctime_ns
        end = time.monotonic() + LONG_S
        # The second copy that begins after the mark has it.
        for _ in range(2):
            while not copied.exists() or copied.stat().st_ctime_ns == before:
                assert time.monotonic() < end
                time.sleep(POLL_S)
            before = copied.stat().st_ctime_ns
        asyncio.run(redis.say(url, ["SET color green", "SADD sizes 9"]))
        lost_and_restored(cache, 2)
        assert cache.marks() == [1, 2]
        found = cache.compare_rows()
    # A value that was changed after the last copy is as it was before, if it was not copied again.
    assert (found.tables, found.rows, found.settled) == (1, len(KEYS), {})
    assert found.changed in (0, 2)


def test_without_a_backup_nothing_is_deleted(running):
    with local_target(running.home) as target:
        store = target.recovery("db")
        with pytest.raises(TarmacError, match="db: no backup was taken; take one first"):
            store.lose_data()
    assert sql(running, "SELECT count(*) FROM things") > 0


def test_a_store_that_cannot_be_backed_up_is_said(running):
    with local_target(running.home) as target:
        with pytest.raises(TarmacError, match="cannot be backed up here; choose one of: cache, db"):
            target.recovery("broker").back_up(1, synchronous=False)
        with pytest.raises(TarmacError, match="Redis archives no change before it confirms it"):
            target.recovery("cache").back_up(1, synchronous=True)
        with pytest.raises(
            TarmacError, match="bd: no store of the system; choose one of: broker, cache, db"
        ):
            target.recovery("bd")


def test_a_service_that_was_scaled_is_as_before_once_its_drill_is_gone(running):
    with local_target(running.home) as target:
        target.scale("web", 2)
        assert target.find("web") == ("web", "web.2")
        running.until("web.2", lambda node: node["state"] == "healthy")
        with pytest.raises(TarmacError, match="no such service; did you mean 'web'"):
            target.scale("wbe", 2)
    end = time.monotonic() + LONG_S
    while "web.2" in [node["name"] for node in running.ps()["nodes"]]:
        assert time.monotonic() < end
        time.sleep(POLL_S)
    assert running.node("web")["state"] == "healthy"


def test_a_drill_loses_no_mark_where_each_is_archived_before_it_is_confirmed(tmp_path):
    box = system(tmp_path)
    (box.folder / "journeys.py").write_text(textwrap.dedent(ASKS_WEB))
    (box.folder / "drills").mkdir()
    (box.folder / "drills/lost.yaml").write_text(textwrap.dedent(DRILL).lstrip())
    done = box.tarmac("drill", ".", "lost", "--json", timeout_s=300)
    assert done.stdout, done.stderr
    journal = json.loads(done.stdout)
    checks = {check["what"]: check for check in journal["checks"]}
    for what in ("the data of db was lost", "RPO of db", "settled rows of db are back", "RTO"):
        assert checks[what]["holds"], journal["checks"]
    assert checks["RPO of db"]["measured"].startswith("0 of ")
    refused = box.tarmac("drill", ".", "lost", "-n", "default")
    assert refused.returncode == 2
    assert "kind 'restore' deletes data and runs on a copy of its own; leave" in refused.stderr
