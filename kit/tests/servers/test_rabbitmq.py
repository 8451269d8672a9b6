"""What only the RabbitMQ adapter has to answer for: what it declares, and what fails for ever."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
import pytest

from tarmac_kit import Message, PoisonMessage
from tarmac_kit.bus.rabbitmq import RabbitBus

pytestmark = pytest.mark.servers

TOPIC = "order.placed"
#: Nobody has set up what this topic needs.
NEW_TOPIC = "thing.made"


@asynccontextmanager
async def bus_on(url: str, **options: Any) -> AsyncIterator[RabbitBus]:
    bus = RabbitBus(url, name="order-service", **options)
    await bus.open()
    async with asyncio.timeout(60):
        # The broker tells nobody.
        while not bus.connected:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    try:
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def admin_of(rabbitmq: Any) -> AsyncIterator[Any]:
    connection = await aio_pika.connect(rabbitmq.admin_url("amqp"))
    async with connection:
        yield await (await connection.channel()).get_underlay_channel()


async def count(rabbitmq: Any, queue: str) -> int:
    async with admin_of(rabbitmq) as channel:
        return int((await channel.queue_declare(queue, passive=True)).message_count)


def free(rabbitmq: Any) -> str:
    return f"amqp://free:free@127.0.0.1:{rabbitmq.server.port}/%2F"


async def test_messages_that_fail_for_ever_do_not_hold_up_the_others(rabbitmq) -> None:
    failed: Counter[str] = Counter()
    again, done = asyncio.Event(), asyncio.Event()

    async def handle(message: Message) -> None:
        if message.id.startswith("bad"):
            failed[message.id] += 1
            if len(failed) == 24 and min(failed.values()) > 1:
                again.set()
            raise RuntimeError("never")
        done.set()

    async with bus_on(rabbitmq.url, prefetch=8) as bus:
        await bus.consume((TOPIC,), "pay", handle)
        for number in range(24):
            await bus.publish(Message(f"bad{number}", TOPIC, f"k{number}", {}))
        # Three times as many as may be in hand, and each has failed more than once.
        await asyncio.wait_for(again.wait(), 60)
        await bus.publish(Message("good", TOPIC, "k", {}))
        await asyncio.wait_for(done.wait(), 60)


async def test_what_waits_to_be_tried_again_is_there_after_a_kill_9_of_everything(rabbitmq) -> None:
    failed = asyncio.Event()
    got: asyncio.Queue[Message] = asyncio.Queue()

    async def fail(_message: Message) -> None:
        failed.set()
        raise RuntimeError("not yet")

    async with bus_on(rabbitmq.url) as bus:
        await bus.consume((TOPIC,), "pay", fail)
        await bus.publish(Message("1", TOPIC, "k", {"n": 1}))
        await asyncio.wait_for(failed.wait(), 60)
        rabbitmq.server.kill()
    await asyncio.to_thread(rabbitmq.server.start)
    async with bus_on(rabbitmq.url) as bus:
        await bus.consume((TOPIC,), "pay", got.put)
        again = await asyncio.wait_for(got.get(), 60)
    assert (again.id, again.payload) == ("1", {"n": 1})
    assert again.attempt > 1


async def test_on_a_broker_that_nobody_set_up_it_declares_what_it_needs(rabbitmq) -> None:
    got: asyncio.Queue[Message] = asyncio.Queue()

    async def handle(message: Message) -> None:
        if message.id == "poison":
            raise PoisonMessage("no")
        if message.attempt == 1:
            raise RuntimeError("once")
        got.put_nowait(message)

    async with bus_on(free(rabbitmq)) as bus:
        # Nobody consumes it yet: it is kept where it can be looked for.
        await asyncio.gather(*(bus.publish(Message(f"e{n}", NEW_TOPIC, "k", {})) for n in range(9)))
        assert await count(rabbitmq, "unrouted") == 9
        await bus.consume((NEW_TOPIC,), "pay", handle)
        async with admin_of(rabbitmq) as channel, asyncio.timeout(60):
            while True:
                try:
                    await channel.queue_declare("parked.pay.thing.made", passive=True)
                    break
                except aio_pika.exceptions.ChannelNotFoundEntity:
                    channel = await channel.connection.channel()  # noqa: PLW2901
        await bus.publish(Message("poison", NEW_TOPIC, "k", {}))
        await bus.publish(Message("1", NEW_TOPIC, "k", {}))
        assert (await asyncio.wait_for(got.get(), 60)).id == "1"
        body, headers = await rabbitmq.parked("pay", NEW_TOPIC)
    assert body == b"{}"
    assert headers["Parked-Reason"] == "no"


async def test_a_queue_that_is_deleted_is_declared_again(rabbitmq) -> None:
    got: asyncio.Queue[Message] = asyncio.Queue()
    async with bus_on(free(rabbitmq)) as bus, admin_of(rabbitmq) as channel:
        await bus.consume((NEW_TOPIC,), "pay", got.put)
        async with asyncio.timeout(60):
            await bus.publish(Message("1", NEW_TOPIC, "k", {}))
            while got.empty():
                # What came before the queue was there is kept elsewhere.
                await asyncio.sleep(0.1)
                await bus.publish(Message("1", NEW_TOPIC, "k", {}))
            await channel.queue_delete("pay.thing.made")
            while got.qsize():
                got.get_nowait()
            while got.empty():
                await asyncio.sleep(0.1)
                await bus.publish(Message("2", NEW_TOPIC, "k", {}))
        again = await channel.queue_declare("pay.thing.made", passive=True)
        assert again.consumer_count == 1


async def test_what_is_not_a_message_of_the_kit_is_parked(rabbitmq) -> None:
    async with bus_on(rabbitmq.url) as bus, admin_of(rabbitmq) as channel:
        await bus.consume((TOPIC,), "pay", lambda _: asyncio.sleep(0))
        await channel.basic_publish(b"\xff not JSON", exchange="order", routing_key=TOPIC)
        body, headers = await rabbitmq.parked("pay", TOPIC)
    assert body == b"\xff not JSON"
    assert "JSON" in headers["Parked-Reason"]


async def test_a_wrong_password_is_said_without_it_and_tried_again(
    rabbitmq, capsys: pytest.CaptureFixture[str]
) -> None:
    bus = RabbitBus(rabbitmq.url.replace("secret", "wr0ng"), name="order-service")
    await bus.open()
    said = ""
    async with asyncio.timeout(60):
        while "broker failed" not in said:
            await asyncio.sleep(0.01)
            said += "".join(capsys.readouterr())
    assert not bus.connected
    await bus.close()
    assert "wr0ng" not in said
