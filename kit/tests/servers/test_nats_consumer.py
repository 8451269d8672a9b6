"""Pull consumers on a real NATS, over a wire that delays or is cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from nats.aio.client import Client
from nats.js.api import ConsumerConfig, StreamConfig

from tarmac_kit import Message
from tarmac_kit.bus import nats_consumer
from tarmac_kit.bus.nats import NatsBus

pytestmark = pytest.mark.servers

TOPIC = "order.placed"


@asynccontextmanager
async def bus_on(url: str, **options: Any) -> AsyncIterator[NatsBus]:
    bus = NatsBus(url, name="order-service", **options)
    await bus.open()
    async with asyncio.timeout(60):
        # The broker tells nobody.
        while not bus.connected:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    yield bus
    await bus.close()


async def test_messages_after_a_late_end_of_a_pull_are_handed_out_at_once(
    wire_to, nats_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled: asyncio.Queue[str] = asyncio.Queue()

    async def handle(message: Message) -> None:
        handled.put_nowait(message.id)

    monkeypatch.setattr(nats_consumer, "PULL_S", 0.3)
    async with (
        wire_to(nats_url) as wire,
        bus_on(nats_url) as publisher,
        bus_on(wire.url) as consumer,
    ):
        wire.listen(b"MSG.NEXT")
        await consumer.consume((TOPIC,), "pay", handle)
        await asyncio.wait_for(wire.asked.wait(), 60)
        wire.hold()
        # The next pull would hold back for a minute what it does not hand out.
        monkeypatch.setattr(nats_consumer, "PULL_S", 60.0)
        wire.listen(b"MSG.NEXT")
        # The end of the pull does not come: the consumer gives it up and asks again.
        await asyncio.wait_for(wire.asked.wait(), 60)
        wire.passing.set()
        for number in ("1", "2", "3"):
            await publisher.publish(Message(number, TOPIC, "k", {}))
            assert await asyncio.wait_for(handled.get(), 5) == number


async def test_what_a_dead_consumer_had_in_hand_goes_to_another(wire_to, nats_url: str) -> None:
    attempts: asyncio.Queue[int] = asyncio.Queue()

    async def handle(message: Message) -> None:
        attempts.put_nowait(message.attempt)

    async def never(_message: Message) -> None:
        attempts.put_nowait(0)
        await asyncio.Event().wait()

    async with wire_to(nats_url) as wire, bus_on(nats_url, ack_wait_s=0.5) as other:
        dead = NatsBus(wire.url, name="order-service", ack_wait_s=0.5)
        await dead.open()
        await dead.consume((TOPIC,), "pay", never)
        await other.publish(Message("1", TOPIC, "k", {}))
        assert await asyncio.wait_for(attempts.get(), 60) == 0
        wire.silent = True  # also for the connections that it tries from now on
        wire.cut()
        await other.consume((TOPIC,), "pay", handle)
        assert await asyncio.wait_for(attempts.get(), 60) == 2
        for consumer in dead._consumers:
            for task in consumer._in_flight._tasks:
                task.cancel()
        await dead.close()


async def test_a_consumer_that_an_earlier_version_made_is_changed_at_start(
    nats: Any, nats_url: str
) -> None:
    admin = Client()
    await admin.connect(f"nats://admin:admin@127.0.0.1:{nats.port}")
    jetstream = admin.jetstream()
    await jetstream.add_stream(StreamConfig(name="order", subjects=["order.>"]))
    earlier = ConsumerConfig(
        durable_name="pay__order-placed",
        filter_subject=TOPIC,
        ack_wait=30.0,
        max_ack_pending=64,
    )
    await jetstream.add_consumer("order", earlier)
    await jetstream.publish(TOPIC, b"{}", headers={"Nats-Msg-Id": "1"})
    handled = asyncio.Event()

    async def handle(_message: Message) -> None:
        handled.set()

    async with bus_on(nats_url) as bus:
        await bus.consume((TOPIC,), "pay", handle)
        await asyncio.wait_for(handled.wait(), 60)
        info = await jetstream.consumer_info("order", "pay__order-placed")
        assert info.config.ack_wait == 5.0
    await admin.close()
