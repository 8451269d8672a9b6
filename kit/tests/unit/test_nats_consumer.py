"""The pull loop of a consumer, with the broker's side played by the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from tarmac_kit.bus import nats_consumer
from tarmac_kit.bus.nats_consumer import KEY, MSG_ID, NatsConsumer
from tarmac_kit.messages import Message


class Delivery:
    """A message as nats-py gives it."""

    subject = "order.placed"
    metadata = SimpleNamespace(num_delivered=1)

    def __init__(self, number: int) -> None:
        self.headers = {MSG_ID: str(number), KEY: str(number)}
        self.data = b"{}"
        self.settled = asyncio.Event()

    async def ack(self) -> None:
        self.settled.set()


class Broker:
    """A connection whose other side is the test."""

    def __init__(self) -> None:
        #: The pull requests that came: how many are wanted, and where the answer goes.
        self.pulls: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
        self.deliver: Any = None

    def jetstream(self) -> Any:
        async def add_consumer(stream: str, config: Any) -> None:
            assert (stream, config.durable_name) == ("order", "g__order-placed")
            # Then the client asks for it by name and filter.
            assert (config.name, config.filter_subject) == ("g__order-placed", "order.placed")

        return SimpleNamespace(add_consumer=add_consumer)

    def new_inbox(self) -> str:
        return "_INBOX.x"

    async def subscribe(self, subject: str, cb: Any) -> Any:
        async def unsubscribe() -> None:
            self.deliver = None

        assert subject == "_INBOX.x.*"
        self.deliver = cb
        return SimpleNamespace(unsubscribe=unsubscribe)

    async def publish(self, subject: str, data: bytes, reply: str) -> None:
        assert subject == "$JS.API.CONSUMER.MSG.NEXT.order.g__order-placed"
        self.pulls.put_nowait((json.loads(data)["batch"], reply))

    async def pull(self) -> tuple[int, str]:
        return await asyncio.wait_for(self.pulls.get(), 60)

    async def end(self, pull: str, status: str) -> None:
        await self.deliver(SimpleNamespace(subject=pull, headers={"Status": status}, data=b""))


class Handled:
    """A handler that waits until it may go on."""

    def __init__(self) -> None:
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        self.may_end = asyncio.Semaphore(0)

    async def __call__(self, message: Message) -> None:
        self.begun.put_nowait(message.id)
        await self.may_end.acquire()


@asynccontextmanager
async def consuming(handler: Handled) -> AsyncIterator[tuple[Broker, asyncio.Task[None]]]:
    async def park(group: str, raw: Any, reason: str) -> None:
        raise AssertionError(reason)

    broker = Broker()
    consumer = NatsConsumer("order.placed", "g", handler, park, 30.0)
    running = asyncio.create_task(consumer.run(broker, "order"))  # type: ignore[arg-type]
    yield broker, running
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    for _ in range(100):
        handler.may_end.release()
    await consumer.finish()
    assert broker.deliver is None


async def test_a_message_is_handed_out_while_its_pull_goes_on() -> None:
    handler = Handled()
    async with consuming(handler) as (broker, _):
        assert (await broker.pull())[0] == 64
        await broker.deliver(Delivery(1))
        assert await asyncio.wait_for(handler.begun.get(), 60) == "1"
        assert broker.pulls.empty(), "63 may still come for the first one"


async def test_the_late_end_of_an_earlier_pull_ends_no_other() -> None:
    handler = Handled()
    async with consuming(handler) as (broker, _):
        _, first = await broker.pull()
        await broker.end(first, "408")
        _, second = await broker.pull()
        await broker.end(first, "408")
        await broker.deliver(Delivery(1))
        await asyncio.wait_for(handler.begun.get(), 60)
        assert broker.pulls.empty()
        await broker.end(second, "404")
        assert (await broker.pull())[0] == 63


async def test_a_pull_that_is_lost_on_the_way_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nats_consumer, "PULL_S", -1.0)  # its end is overdue as soon as it is asked
    async with consuming(Handled()) as (broker, _):
        _, first = await broker.pull()
        _, second = await broker.pull()
        assert first != second


async def test_no_more_are_asked_for_than_may_be_in_flight() -> None:
    handler = Handled()
    async with consuming(handler) as (broker, _):
        batch, _ = await broker.pull()
        deliveries = [Delivery(number) for number in range(batch)]
        for delivery in deliveries:
            await broker.deliver(delivery)
        for _ in range(batch):
            await asyncio.wait_for(handler.begun.get(), 60)
        assert broker.pulls.empty()
        handler.may_end.release()
        assert (await broker.pull())[0] == 1
        assert sum(delivery.settled.is_set() for delivery in deliveries) == 1


async def test_a_consumer_that_is_not_there_ends_the_loop_so_that_it_is_made_again() -> None:
    async with consuming(Handled()) as (broker, running):
        _, pull = await broker.pull()
        await broker.end(pull, "503")
        with pytest.raises(ConnectionError, match="503"):
            await asyncio.wait_for(running, 60)
