"""Capture on a real PostgreSQL: nothing is lost, split or confirmed before it is published."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack

import asyncpg
import pytest

from tarmac_capture.stream import IDLE_S, lsn_of
from tarmac_kit import Message
from tarmac_kit_testing import FakeBus

pytestmark = pytest.mark.servers

SLOT = "select slot_name from pg_replication_slots where database = current_database()"
CONFIRMED = (
    "select confirmed_flush_lsn::text from pg_replication_slots where database = current_database()"
)


class SlowBus(FakeBus):
    """Stores `allowed` messages and refuses the others."""

    def __init__(self, allowed: int) -> None:
        super().__init__()
        self.allowed = allowed
        self.refused = asyncio.Event()

    async def publish(self, message: Message) -> None:
        if len(self.published) >= self.allowed:
            self.refused.set()
            raise ConnectionError("no room")
        await super().publish(message)


async def test_an_event_is_published_as_it_was_written_and_counts_as_published_then(own, capture):
    owner, replica = await own(), await capture()
    await replica.says("ok: leads")
    ids = await owner.say(1, 2, 3)
    await replica.published(3)
    assert [message.id for message in replica.bus.published] == [str(event_id) for event_id in ids]
    assert {message.key for message in replica.bus.published} == {"one"}
    assert replica.numbers == [1, 2, 3]
    await owner.settled()
    metrics = (await replica.process.get("/metrics")).body.decode()
    assert 'capture_published_total{service="capture",topic="thing.made"} 3.0' in metrics
    assert "capture_slot_lag_bytes" in metrics
    assert (await replica.says("ok: leads, ")).endswith(" bytes behind")
    assert (await replica.said())[0] == 200


async def _to_the_end_of_a_page(conn: asyncpg.Connection) -> None:
    """Fill the log to the last byte of a page."""
    page, least, most, overhead = 8192, 320, 1000, 56
    for _ in range(9):
        used = lsn_of(await conn.fetchval("select pg_current_wal_insert_lsn()::text")) % page
        if used in (24, 40):  # only the header of the next page is there
            return
        left = page - used
        # What fills it; before that, what brings it near, or into the next page.
        length = left - overhead if least < left < most else max(300, left - 600)
        emit = "select pg_logical_emit_message(false, 'x', repeat('x', $1), true)"
        await conn.fetchval(emit, length)
    pytest.fail("no end of a page was met")


async def test_rows_count_as_published_where_the_log_ends_with_a_page_and_stands_still(
    own, capture, server_side
):
    """The next position is after the next page's header then: no slot gets there by itself."""
    owner, replica = await own(), await capture()
    await replica.says("ok: leads")
    for number in range(4):
        await owner.say(number)
        await _to_the_end_of_a_page(server_side)
        await owner.settled()


async def test_what_was_written_before_there_was_a_slot_is_published_once(own, capture):
    owner = await own()
    await owner.say(1, 2)
    replica = await capture()
    await replica.published(2)
    await owner.say(3)
    await replica.published(3)
    await owner.settled()
    assert replica.numbers == [1, 2, 3]


async def test_what_is_marked_and_pruned_or_restored_is_no_event(own, capture):
    owner, replica = await own(), await capture()
    await owner.say(1)
    await owner.settled()
    await owner.sql(
        "insert into outbox (id, aggregatetype, aggregateid, type, payload, published_at)"
        " values (gen_random_uuid(), 'thing', 'one', 'thing.made', '{\"number\": 9}', now())",
        "delete from outbox where payload->>'number' = '1'",
    )
    await owner.say(2)
    await replica.published(2)
    assert replica.numbers == [1, 2]


async def test_nothing_counts_as_published_while_the_broker_refuses(own, capture, server_side):
    owner = await own()
    bus = SlowBus(allowed=0)
    replica = await capture(bus)
    await replica.says("ok: leads")
    await owner.say(1, 2)
    # What was written before them may still be confirmed meanwhile.
    after_both = await server_side.fetchval("select pg_current_wal_insert_lsn()::text")
    await asyncio.wait_for(bus.refused.wait(), 60)
    # Longer than it takes to move a quiet stream on, and to settle.
    await asyncio.sleep(3 * IDLE_S)
    assert lsn_of(await server_side.fetchval(CONFIRMED)) < lsn_of(after_both)
    assert await owner.ask("select count(*) from outbox where published_at is null") == 2
    bus.allowed = 100
    await owner.settled()
    assert replica.numbers == [1, 2]


async def test_a_transaction_comes_again_whole_when_the_reader_ends_in_the_middle(own, capture):
    owner = await own()
    bus = SlowBus(allowed=700)
    async with AsyncExitStack() as first:
        await (await capture(bus, stack=first)).says("ok: leads")
        await owner.say(*range(1500))
        await asyncio.wait_for(bus.refused.wait(), 60)
    assert len(bus.published) == 700
    second = await capture()
    await second.published(1500)
    assert second.numbers == list(range(1500))
    await owner.settled()


async def test_the_second_replica_waits_and_takes_over_where_the_first_one_ended(own, capture):
    owner = await own()
    async with AsyncExitStack() as stack:
        first = await capture(stack=stack)
        await first.says("ok: leads")
        second = await capture()
        await second.says("another replica leads")
        await owner.say(1)
        await first.published(1)
        await owner.settled()
    await second.says("ok: leads")
    await owner.say(2)
    await second.published(1)
    assert (first.numbers, second.numbers) == ([1], [2])


async def test_an_invalidated_slot_is_made_anew_and_unpublished_rows_are_replayed(
    own, capture, server_side
):
    owner = await own()
    async with AsyncExitStack() as stack:
        first = await capture(stack=stack)
        await owner.say(1)
        await first.published(1)
        await owner.settled()
    await owner.say(2, 3)
    await server_side.execute("alter system set max_slot_wal_keep_size = '1MB'")
    try:
        await server_side.execute("select pg_reload_conf()")
        async with asyncio.timeout(60):
            while await server_side.fetchval(
                "select wal_status <> 'lost' from pg_replication_slots"
                " where database = current_database()"
            ):
                await server_side.execute("create table filler as select 1; drop table filler")
                await server_side.execute("select pg_switch_wal()")
                await server_side.execute("checkpoint")
    finally:
        await server_side.execute("alter system reset max_slot_wal_keep_size")
        await server_side.execute("select pg_reload_conf()")
    second = await capture()
    await second.published(2)
    await owner.say(4)
    await second.published(3)
    assert second.numbers == [2, 3, 4]
    await owner.settled()
    metrics = (await second.process.get("/metrics")).body.decode()
    assert 'capture_slots_made_total{service="capture"} 1.0' in metrics


async def test_a_slot_that_is_dropped_while_it_is_read_is_made_anew(own, capture, server_side):
    owner, replica = await own(), await capture()
    await replica.says("ok: leads")
    await owner.say(1)
    await owner.settled()
    await server_side.execute(
        "select pg_terminate_backend(active_pid) from pg_replication_slots"
        " where database = current_database() and active"
    )
    name = await server_side.fetchval(SLOT)
    async with asyncio.timeout(60):
        while True:
            try:
                await server_side.execute("select pg_drop_replication_slot($1)", name)
                break
            except asyncpg.ObjectInUseError:
                await server_side.execute(
                    "select pg_terminate_backend(active_pid) from pg_replication_slots"
                    " where database = current_database() and active"
                )
            except asyncpg.UndefinedObjectError:
                break
    await owner.say(2)
    await replica.published(2)
    assert replica.numbers == [1, 2]


async def test_changes_of_a_table_become_debeziums_envelopes(own, capture, server_side):
    await server_side.execute("create table things (id int primary key, name text, price numeric)")
    await server_side.execute("insert into things values (1, 'old', 1.50)")
    owner = await own(CAPTURED_TABLES="things")
    replica = await capture()
    await replica.published(1)
    await owner.sql(
        "insert into things values (2, 'cup', 12.30)",
        "update things set name = 'mug' where id = 2",
        "delete from things where id = 2",
    )
    await owner.sql("truncate things", "insert into things values (3, null, null)")
    await replica.published(5)
    cup, mug = {"id": 2, "name": "cup", "price": "12.30"}, {"id": 2, "name": "mug"}
    rows = [
        (envelope["op"], envelope["before"], envelope["after"]) for envelope in replica.envelopes
    ]
    assert rows == [
        ("r", None, {"id": 1, "name": "old", "price": "1.50"}),
        ("c", None, cup),
        ("u", None, {**cup, **mug}),
        ("d", {"id": 2, "name": None, "price": None}, None),
        ("c", None, {"id": 3, "name": None, "price": None}),
    ]
    assert [json.loads(message.key)["id"] for message in replica.bus.published] == [1, 2, 2, 2, 3]
    assert len({message.id for message in replica.bus.published}) == 5
    source = replica.envelopes[1]["source"]
    assert source["schema"] == "public"
    assert source["table"] == "things"
    assert replica.envelopes[0]["source"]["snapshot"] == "true"


async def test_an_unchanged_long_value_is_taken_from_the_old_row_or_named_unavailable(
    own, capture, server_side
):
    await server_side.execute("create table things (id int primary key, body text, n int)")
    await server_side.execute("alter table things alter body set storage external")
    await own(CAPTURED_TABLES="things")
    replica = await capture()
    await replica.says("ok: leads")
    long = "x" * 10_000
    await server_side.execute("insert into things values (1, $1, 1)", long)
    await server_side.execute("update things set n = 2")
    await server_side.execute("alter table things replica identity full")
    await server_side.execute("update things set n = 3")
    await server_side.execute("update things set id = 2")
    await replica.published(5)
    found = [
        (envelope["op"], envelope["before"], envelope["after"]) for envelope in replica.envelopes
    ]
    assert found[1] == ("u", None, {"id": 1, "body": "__debezium_unavailable_value", "n": 2})
    old = {"id": 1, "body": long, "n": 2}
    assert found[2] == ("u", old, {**old, "n": 3})
    # Another key: a row is gone and another one is there.
    assert found[3] == ("d", {**old, "n": 3}, None)
    assert found[4] == ("c", None, {**old, "id": 2, "n": 3})


async def test_a_type_that_is_not_supported_stops_it_and_says_which(own, capture, server_side):
    await server_side.execute("create table things (id int primary key, place point)")
    owner = await own(CAPTURED_TABLES="things")
    replica = await capture()
    said = await replica.says("public.things.place")
    assert "CAPTURED_TABLES" in said
    assert (await replica.said())[0] == 503
    await owner.sql("alter table things drop column place")
    await replica.says("ok: leads")


async def test_an_event_whose_topic_is_not_bound_stops_it_and_says_which(own, capture):
    owner = await own()
    async with AsyncExitStack() as stack:
        replica = await capture(stack=stack, PUBLISHES="other.made")
        await owner.say(1)
        assert "PUBLISHES" in await replica.says("'thing.made'")
        assert replica.bus.published == []
    after = await capture()
    await after.published(1)
    await after.says("ok: leads")


async def test_without_a_publication_it_waits_and_says_for_what(capture, own):
    replica = await capture()
    assert "OUTBOX_RELAY=capture" in await replica.says("no publication")
    await own()
    await replica.says("ok: leads")
