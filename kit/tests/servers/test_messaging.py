"""Outbox, relay, broker and inbox together, with each of them killed on the way.

The same for every broker that the kit has an adapter for.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from waiting import until

from tarmac_kit import Bus, Database, Inbox, Message, Outbox, PoisonMessage
from tarmac_kit.bus import make_bus
from tarmac_kit.relay import Relay
from tarmac_kit_testing import FakeBus

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("patient")]

TOPIC = "order.placed"


@asynccontextmanager
async def bus_on(broker: Any) -> AsyncIterator[Bus]:
    bus = make_bus(broker.url, service="order-service")
    await bus.open()
    await until(lambda: bus.connected)
    yield bus
    await bus.close()


@asynccontextmanager
async def task(coroutine) -> AsyncIterator[asyncio.Task]:
    running = asyncio.create_task(coroutine)
    yield running
    assert not running.done(), running.exception()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


class Shop:
    """A producer with an outbox and a consumer with an inbox, in one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.outbox = Outbox(database, publishes={TOPIC})
        self.inbox = Inbox(database)
        self.delivered: Counter[str] = Counter()
        self.crash: Callable[[Message], None] = lambda message: None

    async def place(self, order: str, number: int = 0) -> None:
        async with self.database.transaction() as conn:
            await self.outbox.add(
                conn,
                topic=TOPIC,
                aggregate_type="order",
                aggregate_id=order,
                payload={"order": order, "number": number},
            )

    async def handle(self, message: Message) -> None:
        self.delivered[message.id] += 1
        async with self.database.transaction() as conn:
            if not await self.inbox.first_time(conn, consumer="pay", message_id=message.id):
                return
            await conn.execute(
                "insert into applied (k, n) values ($1, $2)",
                message.payload["order"],
                message.payload["number"],
            )
            self.crash(message)

    async def rows(self) -> list[tuple[str, int]]:
        async with self.database.connection() as conn:
            return [tuple(row) for row in await conn.fetch("select k, n from applied order by at")]

    async def unpublished(self) -> int:
        async with self.database.connection() as conn:
            return await conn.fetchval("select count(*) from outbox where published_at is null")

    async def until_unpublished(self, count: int) -> None:
        async def reached() -> bool:
            return await self.unpublished() == count

        await until(reached)

    async def until_applied(self, count: int, timeout_s: float = 30) -> list[tuple[str, int]]:
        async def reached() -> bool:
            return len(await self.rows()) >= count

        await until(reached, timeout_s)
        return await self.rows()


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    database = Database(database_url)
    made = Shop(database)
    await database.open()
    async with database.connection() as conn:
        await conn.execute("create table applied (at bigserial, k text, n int)")
    yield made
    await database.close()


def relay_of(shop: Shop, bus) -> Relay:
    relay = Relay(shop.database, bus)
    shop.outbox.on_commit = relay.wake
    return relay


async def test_what_is_committed_is_applied_once_although_its_handler_failed_first(
    shop: Shop, broker
) -> None:
    failed: set[str] = set()

    def crash_once(message: Message) -> None:
        if message.id not in failed:
            failed.add(message.id)
            raise RuntimeError("after the write, before the commit")

    shop.crash = crash_once
    async with bus_on(broker) as bus, task(relay_of(shop, bus).run()):
        await bus.consume((TOPIC,), "pay", shop.handle)
        await asyncio.gather(*(shop.place(f"o{i}") for i in range(20)))
        rows = await shop.until_applied(20)
        assert sorted(rows) == sorted((f"o{i}", 0) for i in range(20))
        assert set(shop.delivered.values()) == {2}
        await shop.until_unpublished(0)


async def test_what_was_rolled_back_is_never_published(shop: Shop, broker) -> None:
    async with bus_on(broker) as bus, task(relay_of(shop, bus).run()):
        await bus.consume((TOPIC,), "pay", shop.handle)

        async def change_its_mind() -> None:
            async with shop.database.transaction() as conn:
                await shop.outbox.add(
                    conn, topic=TOPIC, aggregate_type="order", aggregate_id="no", payload={}
                )
                raise RuntimeError("changed its mind")

        with pytest.raises(RuntimeError):
            await change_its_mind()
        await shop.place("yes")
        assert await shop.until_applied(1) == [("yes", 0)]


async def test_a_topic_that_is_not_bound_is_not_written(shop: Shop) -> None:
    async with shop.database.transaction() as conn:
        added = await shop.outbox.add(
            conn, topic="order.confirmed", aggregate_type="order", aggregate_id="a", payload={}
        )
    assert added is None
    assert await shop.unpublished() == 0


class Counting:
    """A bus that counts what it is given: the broker's own de-duplication would hide it."""

    connected = True

    def __init__(self, bus: Bus, count: Counter[str]) -> None:
        self._bus = bus
        self._count = count

    async def publish(self, message: Message) -> None:
        self._count[message.id] += 1
        await self._bus.publish(message)


async def test_events_of_one_aggregate_keep_their_order_with_two_relays(shop: Shop, broker) -> None:
    published: Counter[str] = Counter()
    async with (
        bus_on(broker) as bus,
        bus_on(broker) as other_bus,
        task(Relay(shop.database, Counting(other_bus, published), poll_s=0.01).run()),
        task(relay_of(shop, Counting(bus, published)).run()),
    ):
        await bus.consume((TOPIC,), "pay", shop.handle)

        async def one_aggregate(order: str) -> None:
            for number in range(15):
                await shop.place(order, number)

        await asyncio.gather(*(one_aggregate(order) for order in "abcd"))
        rows = await shop.until_applied(60)
        for order in "abcd":
            assert [number for key, number in rows if key == order] == list(range(15))
        assert set(shop.delivered.values()) == {1}
        assert set(published.values()) == {1}, "two relays must not do the work twice"


async def test_a_commit_beside_a_relay_that_does_not_lead_wakes_the_one_that_does(
    shop: Shop, broker
) -> None:
    async with bus_on(broker) as bus:
        # With a poll of an hour only the notification can bring the word across.
        leader = Relay(shop.database, bus, poll_s=3600)
        async with task(leader.run()):
            await until(lambda: leader.leading)
            follower = Relay(shop.database, bus, poll_s=3600)
            shop.outbox.on_commit = follower.wake
            async with task(follower.run()):
                await bus.consume((TOPIC,), "pay", shop.handle)
                await until(lambda: follower.listening)
                await shop.place("o")
                assert await shop.until_applied(1) == [("o", 0)]
                assert not follower.leading


class KilledBetween:
    """A bus whose process dies after the broker has stored the message."""

    connected = True

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.stored = 0

    async def publish(self, message: Message) -> None:
        await self._bus.publish(message)
        self.stored += 1
        raise asyncio.CancelledError


async def test_a_relay_killed_between_publish_and_mark_gives_one_application(
    shop: Shop, broker
) -> None:
    await shop.place("o")
    async with bus_on(broker) as bus:
        killed = KilledBetween(bus)
        with pytest.raises(asyncio.CancelledError):
            await Relay(shop.database, killed).run()
        assert killed.stored == 1
        assert await shop.unpublished() == 1
        await bus.consume((TOPIC,), "pay", shop.handle)
        await shop.until_applied(1)
        async with task(relay_of(shop, bus).run()):
            await shop.until_unpublished(0)
            # A later one shows that the repeated one has passed.
            await shop.place("later")
            assert await shop.until_applied(2) == [("o", 0), ("later", 0)]


async def test_the_inbox_alone_gives_one_application_when_the_broker_forgets_ids(
    shop: Shop,
) -> None:
    await shop.place("o")
    bus = FakeBus()
    await bus.consume((TOPIC,), "pay", shop.handle)
    with pytest.raises(asyncio.CancelledError):
        await Relay(shop.database, KilledBetween(bus)).run()
    async with task(relay_of(shop, bus).run()):
        await shop.until_unpublished(0)
    assert list(shop.delivered.values()) == [2]
    assert await shop.rows() == [("o", 0)]


async def test_a_message_delivered_twice_by_the_broker_is_applied_once(shop: Shop, broker) -> None:
    async with bus_on(broker) as bus:
        await bus.consume((TOPIC,), "pay", shop.handle)
        twice = Message("same-id", TOPIC, "o", {"order": "o", "number": 0})
        await bus.publish(twice)
        await shop.until_applied(1)
        # Past the broker's own de-duplication, as after its window.
        await shop.handle(twice)
        assert await shop.rows() == [("o", 0)]
        assert shop.delivered["same-id"] == 2


async def test_the_broker_killed_and_back_while_the_relay_runs_loses_nothing(
    shop: Shop, broker
) -> None:
    async with bus_on(broker) as bus, task(relay_of(shop, bus).run()):
        await bus.consume((TOPIC,), "pay", shop.handle)
        for number in range(30):
            await shop.place(f"o{number}")
            if number == 10:
                await asyncio.to_thread(broker.server.kill)
            if number == 20:
                await asyncio.to_thread(broker.server.start)
        rows = await shop.until_applied(30)
        assert sorted(key for key, _ in rows) == sorted(f"o{number}" for number in range(30))


async def test_a_broker_that_comes_up_later_is_found(shop: Shop, broker) -> None:
    broker.server.kill()
    bus = make_bus(broker.url, service="order-service")
    await bus.open()
    async with task(relay_of(shop, bus).run()):
        await bus.consume((TOPIC,), "pay", shop.handle)
        await shop.place("o")
        assert not bus.connected
        await asyncio.to_thread(broker.server.start)
        assert await shop.until_applied(1) == [("o", 0)]
    await bus.close()


async def test_the_database_killed_and_back_loses_nothing(shop: Shop, postgres, broker) -> None:
    async with bus_on(broker) as bus, task(relay_of(shop, bus).run()):
        await bus.consume((TOPIC,), "pay", shop.handle)
        await asyncio.gather(*(shop.place(f"o{number}") for number in range(20)))
        await asyncio.to_thread(postgres.kill)
        await bus.publish(Message("direct", TOPIC, "d", {"order": "direct", "number": 0}))
        await until(lambda: shop.delivered["direct"] > 0)
        await asyncio.to_thread(postgres.start)
        rows = await shop.until_applied(21)
        assert Counter(key for key, _ in rows) == Counter(
            ["direct", *(f"o{number}" for number in range(20))]
        )


async def test_poison_is_parked_at_once_and_the_rest_goes_on(shop: Shop, broker) -> None:
    async def handle(message: Message) -> None:
        if message.payload["order"] == "bad":
            raise PoisonMessage("no such thing")
        await shop.handle(message)

    async with bus_on(broker) as bus:
        await bus.consume((TOPIC,), "pay", handle)
        await bus.publish(Message("1", TOPIC, "bad", {"order": "bad", "number": 0}))
        await bus.publish(Message("2", TOPIC, "good", {"order": "good", "number": 0}))
        assert await shop.until_applied(1) == [("good", 0)]
        body, headers = await broker.parked("pay", TOPIC)
        assert json.loads(body) == {"order": "bad", "number": 0}
        assert headers["Parked-Reason"] == "no such thing"


async def test_a_relay_whose_server_says_goodbye_takes_another_connection(shop: Shop, wire) -> None:
    bus = FakeBus()
    relay = Relay(Database(wire.url), bus, poll_s=3600)
    async with task(relay.run()):
        await until(lambda: relay.leading and relay.listening)
        async with shop.database.connection() as conn:
            pid = await conn.fetchval("select pid from pg_locks where locktype = 'advisory'")
        shop.outbox.on_commit = relay.wake
        await wire.say_goodbye(pid)
        await shop.place("o")
        await until(lambda: len(bus.published) == 1)
        assert [message.payload["order"] for message in bus.published] == ["o"]
        async with shop.database.connection() as conn:
            held = await conn.fetchval("select pid from pg_locks where locktype = 'advisory'")
        assert held not in (None, pid)


async def test_old_published_rows_are_deleted_and_the_others_kept(shop: Shop, broker) -> None:
    async with bus_on(broker) as bus:
        for order in ("old", "new"):
            await shop.place(order)
        conn = await shop.database.connect()
        await Relay(shop.database, bus).relay_pending(conn)
        await conn.execute(
            "update outbox set published_at = now() - interval '2 days' where aggregateid = 'old'"
        )
        await shop.place("unpublished")
        await Relay(shop.database, bus, keep_s=86_400).prune(conn)
        left = await conn.fetch("select aggregateid from outbox order by seq")
        assert [row["aggregateid"] for row in left] == ["new", "unpublished"]
        await conn.close()


async def test_how_much_waits_and_for_how_long_is_told_where_the_relay_works(shop: Shop) -> None:
    bus = FakeBus()
    bus.connected = False
    told: list[tuple[int, float]] = []
    async with shop.database.connection() as conn:
        for hours in range(2):
            await conn.execute(
                "insert into outbox (id, aggregatetype, aggregateid, type, payload, created_at)"
                " values (gen_random_uuid(), 'order', 'o', $1, '{}', now() - $2::interval)",
                TOPIC,
                timedelta(hours=hours),
            )
    relay = Relay(shop.database, bus, waiting=lambda *what: told.append(what))
    async with task(relay.run()):
        await until(lambda: bool(told))
    rows, oldest_s = told[0]
    assert (rows, oldest_s >= 3600) == (2, True)
    assert told[-1] == (0, 0.0), "another one tells from here on"


async def test_one_row_that_the_broker_refuses_does_not_hold_up_the_others(
    shop: Shop, broker
) -> None:
    shop.outbox = Outbox(shop.database, publishes={TOPIC, "payment.captured"})
    async with bus_on(broker) as bus:
        async with shop.database.transaction() as conn:
            # This user may not publish payment.captured.
            await shop.outbox.add(
                conn, topic="payment.captured", aggregate_type="p", aggregate_id="x", payload={}
            )
        async with task(relay_of(shop, bus).run()):
            await bus.consume((TOPIC,), "pay", shop.handle)
            await shop.place("o")
            assert await shop.until_applied(1) == [("o", 0)]
            await shop.until_unpublished(1)


async def test_messages_of_one_key_are_handled_one_at_a_time_and_others_beside(
    broker,
) -> None:
    async with bus_on(broker) as bus:
        in_hand: Counter[str] = Counter()
        most: Counter[str] = Counter()
        together = asyncio.Event()
        handled: list[str] = []

        async def handle(message: Message) -> None:
            in_hand[message.key] += 1
            most[message.key] = max(most[message.key], in_hand[message.key])
            if in_hand["a"] and in_hand["b"]:
                together.set()
            await asyncio.wait_for(together.wait(), 60)
            in_hand[message.key] -= 1
            handled.append(message.id)

        for number in range(6):
            await bus.publish(Message(str(number), TOPIC, "ab"[number % 2], {}))
        await bus.consume((TOPIC,), "pay", handle)
        await until(lambda: len(handled) == 6)
        assert most == {"a": 1, "b": 1}
        assert [message for message in handled if int(message) % 2 == 0] == ["0", "2", "4"]


async def test_a_broker_that_comes_back_with_an_empty_disk_gets_what_it_needs_again(
    shop: Shop, broker
) -> None:
    async with bus_on(broker) as bus, task(relay_of(shop, bus).run()):
        await bus.consume((TOPIC,), "pay", shop.handle)
        await shop.place("before")
        await shop.until_applied(1)
        await asyncio.to_thread(broker.server.kill)
        shutil.rmtree(broker.server.data)
        await asyncio.to_thread(broker.server.start)
        await shop.place("after")
        assert await shop.until_applied(2) == [("before", 0), ("after", 0)]


async def test_the_trace_goes_through_outbox_and_broker(shop: Shop, broker) -> None:
    from tarmac_kit import trace  # noqa: PLC0415
    from tarmac_kit.consuming import observed  # noqa: PLC0415
    from tarmac_kit.metrics import Metrics  # noqa: PLC0415

    seen: list[str] = []

    async def handle(_message: Message) -> None:
        seen.append(trace.current_ids()[0])

    async with bus_on(broker) as bus, task(relay_of(shop, bus).run()):
        await bus.consume((TOPIC,), "pay", observed(handle, "pay", Metrics("s")))
        with trace.span("request"):
            sent = trace.current_ids()[0]
            await shop.place("o")
        await until(lambda: bool(seen))
        assert seen == [sent]
