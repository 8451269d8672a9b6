"""The stream of a slot, and the owner's side of capture, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tarmac_capture import pgoutput
from tarmac_capture.stream import (
    IDLE_S,
    SlotInUse,
    Stream,
    StreamLost,
    connect,
    lsn_of,
    make_temporary_slot,
    open_stream,
)
from tarmac_kit import Database, Outbox
from tarmac_kit.capture_names import OUTBOX_PUBLICATION, TABLES_PUBLICATION
from tarmac_kit.capture_owner import CaptureOwner

pytestmark = pytest.mark.servers

SLOTS = "from pg_replication_slots where database = current_database()"
CONFIRMED = f"select confirmed_flush_lsn::text {SLOTS}"
PUBLISHED = (
    "select array_agg(tablename::text order by 1) from pg_publication_tables where pubname = $1"
)
MAKE_SLOT = "select pg_create_logical_replication_slot($1, 'pgoutput')"
WAITING = "select count(*) from outbox where published_at is null"


@pytest.fixture
async def conn(database_url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """Give a connection; at the end no slot keeps the database."""
    found = await asyncpg.connect(database_url)
    yield found
    async with asyncio.timeout(60):
        while await found.fetchval(f"select count(*) {SLOTS} and active"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await found.execute(f"select pg_drop_replication_slot(slot_name) {SLOTS}")
    await found.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Give a database with an outbox."""
    found = Database(database_url)
    Outbox(found, publishes=["thing.made"])
    await found.open()
    yield found
    await found.close()


async def write(conn: asyncpg.Connection[Any]) -> None:
    await conn.execute(
        "insert into outbox (id, aggregatetype, aggregateid, type, payload)"
        " values (gen_random_uuid(), 'thing', 'one', 'thing.made', '{}')"
    )


async def ended(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def changes_of(stream: Stream) -> list[pgoutput.Row | None]:
    """Read to the end of a transaction; return its rows."""
    rows = []
    while True:
        (message,) = await stream.read(1)
        event = pgoutput.decode(message)
        if isinstance(event, pgoutput.RowChange):
            rows.append(event.after)
        if isinstance(event, pgoutput.Commit):
            return rows


async def test_what_was_not_confirmed_is_sent_to_the_next_reader(conn, database_url):
    await conn.execute("create table t (id int); create publication p for table t")
    await conn.fetchval(MAKE_SLOT, "s")
    await conn.execute("insert into t values (1)")
    await conn.execute("insert into t values (2)")
    first = await open_stream(database_url, "s", ["p"])
    await stream_to(first, confirm=True)
    assert await changes_of(first) == [("2",)]
    with pytest.raises(SlotInUse):
        await open_stream(database_url, "s", ["p"])
    await first.close()
    async with asyncio.timeout(60):
        while await conn.fetchval(f"select count(*) {SLOTS} and active"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    second = await open_stream(database_url, "s", ["p"])
    assert await changes_of(second) == [("2",)]
    await second.close()


async def test_a_quiet_stream_is_moved_on_past_what_it_does_not_read(conn, database_url):
    await conn.execute("create table t (id int); create publication p for table t")
    await conn.fetchval(MAKE_SLOT, "s")
    stream = await open_stream(database_url, "s", ["p"])
    reading = asyncio.create_task(stream.read(1))
    await conn.execute("create table other (id int); insert into other values (1)")
    written = lsn_of(await conn.fetchval("select pg_current_wal_lsn()::text"))
    async with asyncio.timeout(60):
        while lsn_of(await conn.fetchval(CONFIRMED)) < written:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert not reading.done(), "what it does not read is not given to it"
    await conn.execute("insert into t values (7)")
    (begins,) = await asyncio.wait_for(reading, 60)
    assert isinstance(pgoutput.decode(begins), pgoutput.Begin)
    assert await changes_of(stream) == [("7",)], "what comes after that is"
    await stream.close()


async def test_a_stream_whose_server_ends_it_is_lost(conn, database_url):
    await conn.execute("create table t (id int); create publication p for table t")
    await conn.fetchval(MAKE_SLOT, "s")
    stream = await open_stream(database_url, "s", ["p"])
    reading = asyncio.create_task(stream.read(1))
    await conn.execute(f"select pg_terminate_backend(active_pid) {SLOTS}")
    with pytest.raises(StreamLost):
        await asyncio.wait_for(reading, 60)
    await stream.close()
    with pytest.raises(StreamLost, match="does not exist"):
        await open_stream(database_url, "no_such_slot", ["p"])


async def test_a_temporary_slots_snapshot_and_stream_meet_without_a_gap(conn, database_url):
    await conn.execute("create table t (id int); create publication p for table t")
    await conn.execute("insert into t values (1)")
    replication = await connect(database_url)
    _, snapshot = await make_temporary_slot(replication, "begin_new")
    await conn.execute("insert into t values (2)")
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        await conn.execute(f"set transaction snapshot '{snapshot}'")
        assert [row["id"] for row in await conn.fetch("select id from t")] == [1]
    await conn.fetchval("select pg_copy_logical_replication_slot('begin_new', 'begin', false)")
    replication.close()
    stream = await open_stream(database_url, "begin", ["p"])
    assert await changes_of(stream) == [("2",)]
    await stream.close()


async def test_an_outbox_row_counts_as_published_once_the_slot_has_confirmed_it(
    conn, database, database_url
):
    settling = CaptureOwner(database, outbox=True, poll_s=0.02)
    own = await database.connect()
    await settling.publish(own)
    await conn.fetchval(MAKE_SLOT, "s")
    await write(conn)
    stream = await open_stream(database_url, "s", [OUTBOX_PUBLICATION])
    end = await stream_to(stream, confirm=False)
    assert await settling.settle(own, "s") == 0
    await asyncio.sleep(2 * IDLE_S)  # a quiet stream would be moved on by now
    assert await settling.settle(own, "s") == 0
    assert await conn.fetchval(WAITING) == 1
    stream.confirm(end)
    reading = asyncio.create_task(stream.read(1))
    async with asyncio.timeout(60):
        while not await settling.settle(own, "s"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert await conn.fetchval(WAITING) == 0
    await ended(reading)
    await stream.close()
    assert await settling.settle(own, "s") == 0
    await own.close()


async def test_the_publications_hold_what_is_listed_and_follow_the_list(conn, database):
    await conn.execute("create table a (id int); create table b (id int)")
    own = await database.connect()
    for listed in (["b", "public.a"], ["a"], []):
        await CaptureOwner(database, outbox=True, tables=listed).publish(own)
        expected = sorted(name.removeprefix("public.") for name in listed) or None
        assert await conn.fetchval(PUBLISHED, TABLES_PUBLICATION) == expected
    assert await conn.fetchval(PUBLISHED, OUTBOX_PUBLICATION) == ["outbox"]
    await own.close()


async def test_old_rows_that_were_published_are_deleted_and_others_never(conn, database):
    await write(conn)
    await conn.execute("update outbox set published_at = now() - interval '1 hour'")
    await write(conn)
    settling = CaptureOwner(database, outbox=True, keep_s=60, poll_s=0.02)
    running = asyncio.create_task(settling.run())
    async with asyncio.timeout(60):
        while await conn.fetchval("select count(*) from outbox") > 1:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert await conn.fetchval("select published_at from outbox") is None
    await ended(running)


async def test_a_transaction_read_and_not_published_is_never_confirmed_by_a_later_one(
    conn, database_url
):
    """What psycopg2 does by itself with transactions that overlap must not reach the server."""
    await conn.execute("create table t (id int, x text); create publication p for table t")
    await conn.execute("select pg_create_logical_replication_slot('overlap', 'pgoutput')")
    early = await asyncpg.connect(database_url)
    long = early.transaction()
    await long.start()
    # More than the sockets between hold, so that what the server says comes in the middle of it.
    rows = 40_000
    await early.execute(
        f"insert into t select n, repeat('x', 1000) from generate_series(1, {rows}) n"
    )
    stream = await open_stream(database_url, "overlap", ["p"])
    try:
        await conn.execute("insert into t values (-1)")
        await stream_to(stream, confirm=True)
        await conn.execute("insert into t values (-2)")
        await long.commit()
        unpublished = await stream_to(stream, confirm=False)
        read = 0
        while read < rows - 2000:  # changes that are older than what was confirmed
            read += len(await stream.read(1000))
            await asyncio.sleep(IDLE_S / 10)
        assert lsn_of(await conn.fetchval(CONFIRMED)) < unpublished
    finally:
        await stream.close()
        await early.close()


async def stream_to(stream: Stream, *, confirm: bool) -> int:
    """Read to the end of a transaction, one message at a time; return where it ends."""
    while True:
        (message,) = await stream.read(1)
        event = pgoutput.decode(message)
        if isinstance(event, pgoutput.Commit):
            if confirm:
                stream.confirm(event.end_lsn)
            return event.end_lsn
