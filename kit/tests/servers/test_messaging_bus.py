"""The Bus alone keeps the same promises on every broker, whichever of the two ends dies."""

from __future__ import annotations

import asyncio
import itertools
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from waiting import until

from tarmac_kit import Bus, Message
from tarmac_kit.bus import make_bus
from tarmac_kit.bus.nats import NatsBus

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("patient")]

TOPIC = "order.placed"


@asynccontextmanager
async def opened(bus: Bus) -> AsyncIterator[Bus]:
    await bus.open()
    await until(lambda: bus.connected)
    try:
        yield bus
    finally:
        await bus.close()


def bus_on(broker: Any) -> Any:
    return opened(make_bus(broker.url, service="order-service"))


async def publish_again_and_again(bus: Bus, message: Message) -> None:
    """Publish as the relay does: what is not known to be stored is tried again."""
    while True:
        try:
            await bus.publish(message)
        except Exception:  # noqa: BLE001 - whatever it is
            await asyncio.sleep(0.05)
        else:
            return


async def test_a_message_arrives_as_it_was_published(broker) -> None:
    got: asyncio.Queue[Message] = asyncio.Queue()
    async with bus_on(broker) as bus:
        await bus.consume((TOPIC,), "pay", got.put)
        sent = Message("id-1", TOPIC, "key-1", {"n": 1, "ü": ["é"]}, {"traceparent": "00-ab-cd-01"})
        await bus.publish(sent)
        assert await asyncio.wait_for(got.get(), 60) == sent


async def test_what_was_published_before_the_group_ever_ran_is_kept_for_it(broker) -> None:
    got: asyncio.Queue[Message] = asyncio.Queue()
    async with bus_on(broker) as bus:
        for number in range(3):
            await bus.publish(Message(str(number), TOPIC, "k", {}))
    async with bus_on(broker) as bus:
        await bus.consume((TOPIC,), "pay", got.put)
        ids = [(await asyncio.wait_for(got.get(), 60)).id for _ in range(3)]
        assert ids == ["0", "1", "2"]


async def test_a_message_that_nobody_consumes_can_be_published(broker) -> None:
    got: asyncio.Queue[Message] = asyncio.Queue()
    async with bus_on(broker) as bus:
        await bus.publish(Message("1", "order.noticed", "k", {}))
        # Nothing is stuck behind it, and nobody is given it instead.
        await bus.consume((TOPIC,), "pay", got.put)
        await bus.publish(Message("2", TOPIC, "k", {}))
        assert (await asyncio.wait_for(got.get(), 60)).id == "2"
        assert got.empty()


async def test_what_fails_comes_again_with_a_growing_delay_and_its_attempt(broker) -> None:
    loop = asyncio.get_running_loop()
    attempts: list[int] = []
    times: list[float] = []

    async def handle(message: Message) -> None:
        attempts.append(message.attempt)
        times.append(loop.time())
        if message.attempt < 4:
            raise RuntimeError("not yet")

    async with bus_on(broker) as bus:
        await bus.consume((TOPIC,), "pay", handle)
        await bus.publish(Message("1", TOPIC, "k", {}))
        await until(lambda: len(attempts) == 4)
    assert attempts == [1, 2, 3, 4]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    # After 0.2, 0.5 and 1 s, with jitter of a fifth: at least so long, whatever the machine adds.
    assert waits[0] > 0.15
    assert waits[1] > 0.35
    assert waits[2] > 0.75


async def test_a_message_beside_one_that_fails_is_not_held_up(broker) -> None:
    done = asyncio.Event()
    handled: list[str] = []

    async def handle(message: Message) -> None:
        if message.id == "bad":
            raise RuntimeError("never")
        handled.append(message.id)
        done.set()

    async with bus_on(broker) as bus:
        await bus.consume((TOPIC,), "pay", handle)
        await bus.publish(Message("bad", TOPIC, "k1", {}))
        await bus.publish(Message("good", TOPIC, "k2", {}))
        await asyncio.wait_for(done.wait(), 60)
    assert handled == ["good"]


async def test_two_members_of_a_group_share_its_messages(broker) -> None:
    taken: dict[str, list[str]] = {"first": [], "second": []}

    def member(name: str) -> Any:
        async def handle(message: Message) -> None:
            await asyncio.sleep(0.02)
            taken[name].append(message.id)

        return handle

    async with bus_on(broker) as first, bus_on(broker) as second:
        await first.consume((TOPIC,), "pay", member("first"))
        await second.consume((TOPIC,), "pay", member("second"))
        published = 0
        async with asyncio.timeout(60):
            while not all(taken.values()):
                await first.publish(Message(str(published), TOPIC, f"k{published}", {}))
                published += 1
                # Not faster than they are handled: a message that waits too long comes again.
                await asyncio.sleep(0.01)
        await until(lambda: sum(map(len, taken.values())) >= published)
    counts = Counter([*taken["first"], *taken["second"]])
    assert counts == Counter(str(number) for number in range(published))


async def test_a_slow_handler_keeps_its_message(broker) -> None:
    attempts: list[int] = []
    done = asyncio.Event()

    async def slow(message: Message) -> None:
        attempts.append(message.attempt)
        # Three times as long as NATS waits here without a sign of life.
        await asyncio.sleep(1.2)
        done.set()

    impatient = broker.kind == "nats"
    bus: Bus = (
        NatsBus(broker.url, name="order-service", ack_wait_s=0.4)
        if impatient
        else make_bus(broker.url, service="order-service")
    )
    async with opened(bus):
        await bus.consume((TOPIC,), "pay", slow)
        await bus.publish(Message("1", TOPIC, "k", {}))
        await asyncio.wait_for(done.wait(), 60)
    assert attempts == [1]


async def test_what_was_confirmed_survives_kill_9_of_the_broker(broker) -> None:
    got: set[str] = set()

    async def handle(message: Message) -> None:
        got.add(message.id)

    async with bus_on(broker) as bus:
        for number in range(20):
            await bus.publish(Message(str(number), TOPIC, "k", {}))
        # At once: nothing is given time to reach the disk.
        broker.server.kill()
        await asyncio.to_thread(broker.server.start)
        await bus.consume((TOPIC,), "pay", handle)
        await until(lambda: len(got) == 20)
    assert got == {str(number) for number in range(20)}


async def test_a_broker_restarted_during_traffic_loses_nothing(broker) -> None:
    got: set[str] = set()
    sent: set[str] = set()

    async def handle(message: Message) -> None:
        await asyncio.sleep(0.01)
        got.add(message.id)

    async def publish(number: int) -> None:
        await publish_again_and_again(bus, Message(str(number), TOPIC, f"k{number % 7}", {}))
        sent.add(str(number))

    async with bus_on(broker) as bus:
        await bus.consume((TOPIC,), "pay", handle)
        traffic = asyncio.gather(*(publish(number) for number in range(100)))
        await until(lambda: len(got) > 5)
        await asyncio.to_thread(broker.server.stop)
        await asyncio.to_thread(broker.server.start)
        await traffic
        await until(lambda: len(got) == 100)
        assert got == sent


CRASHES = """
import asyncio, sys
from tarmac_kit.bus import make_bus

async def hang(message):
    print("has", message.id, message.attempt, flush=True)
    await asyncio.Event().wait()

async def main():
    bus = make_bus(sys.argv[1], service="order-service")
    await bus.open()
    await bus.consume((sys.argv[2],), "pay", hang)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_what_a_consumer_had_in_hand_when_it_died_goes_to_another(broker) -> None:
    got: asyncio.Queue[Message] = asyncio.Queue()
    async with bus_on(broker) as bus:
        await bus.publish(Message("1", TOPIC, "k", {}))
        dies = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CRASHES, broker.url, TOPIC, stdout=asyncio.subprocess.PIPE
        )
        assert dies.stdout is not None
        async with asyncio.timeout(60):
            while b"has 1 1" not in await dies.stdout.readline():
                pass
        dies.send_signal(signal.SIGKILL)
        await dies.wait()
        await bus.consume((TOPIC,), "pay", got.put)
        again = await asyncio.wait_for(got.get(), 60)
        assert (again.id, again.attempt) == ("1", 2)


async def test_handlers_in_hand_end_before_the_bus_is_closed(broker) -> None:
    begun = asyncio.Event()
    attempts: list[int] = []

    async def handle(message: Message) -> None:
        attempts.append(message.attempt)
        begun.set()
        await asyncio.sleep(0.3)
        attempts.append(-1)

    async with bus_on(broker) as bus:
        await bus.consume((TOPIC,), "pay", handle)
        await bus.publish(Message("1", TOPIC, "k", {}))
        await asyncio.wait_for(begun.wait(), 60)
    assert attempts == [1, -1]
    later: asyncio.Queue[Message] = asyncio.Queue()
    async with bus_on(broker) as bus:
        await bus.consume((TOPIC,), "pay", later.put)
        await bus.publish(Message("2", TOPIC, "k", {}))
        # The first was acknowledged: it does not come before the second.
        assert (await asyncio.wait_for(later.get(), 60)).id == "2"


async def test_a_service_may_publish_its_own_topics_only(broker) -> None:
    async with bus_on(broker) as bus:
        with pytest.raises(Exception):  # noqa: B017, PT011 - each broker says it in its way
            await bus.publish(Message("1", "payment.captured", "k", {}))
        await bus.publish(Message("2", TOPIC, "k", {}))


async def test_open_returns_at_once_and_ping_fails_while_the_broker_is_away(broker) -> None:
    broker.server.kill()
    bus = make_bus(broker.url, service="order-service")
    async with asyncio.timeout(4):
        await bus.open()
    assert not bus.connected
    with pytest.raises(ConnectionError):
        await bus.ping()
    with pytest.raises(ConnectionError):
        await bus.publish(Message("1", TOPIC, "k", {}))
    await asyncio.to_thread(broker.server.start)
    await until(lambda: bus.connected)
    await bus.ping()
    await bus.close()


async def test_a_frozen_broker_does_not_answer_a_ping_and_is_well_again_afterwards(broker) -> None:
    async with bus_on(broker) as bus:
        await bus.ping()
        broker.server.freeze()
        try:
            with pytest.raises(Exception):  # noqa: B017, PT011 - each client has its own
                await bus.ping()
        finally:
            broker.server.process.send_signal(signal.SIGCONT)

        async def well() -> bool:
            try:
                await bus.ping()
            except Exception:  # noqa: BLE001 - not yet
                return False
            return True

        await until(well)
