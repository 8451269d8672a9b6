"""What only the Kafka adapter has to answer for: groups, what fails for ever, what is put aside."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiokafka
import kafka_server
import pytest

from tarmac_kit import Message
from tarmac_kit.bus.kafka import KafkaBus

pytestmark = pytest.mark.servers

TOPIC = "order.placed"


def login(kafka: Any) -> dict[str, Any]:
    return {
        "bootstrap_servers": f"127.0.0.1:{kafka.server.port}",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "admin",
        "sasl_plain_password": "admin",
    }


@pytest.fixture(autouse=True)
async def nothing_left() -> AsyncIterator[None]:
    """The client does not go on behind a bus that is closed."""
    yield
    running = (task.get_coro() for task in asyncio.all_tasks())
    assert not [coroutine for coroutine in running if "aiokafka" in coroutine.cr_code.co_filename]


@asynccontextmanager
async def bus_on(kafka: Any) -> AsyncIterator[KafkaBus]:
    bus = KafkaBus(kafka.url, name="order-service")
    await bus.open()
    async with asyncio.timeout(60):
        # The broker tells nobody.
        while not bus.connected:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    try:
        yield bus
    finally:
        await bus.close()


async def publish_surely(bus: KafkaBus, message: Message) -> None:
    """Publish as the relay does: what is not known to be stored in time is tried again."""
    while True:
        try:
            return await bus.publish(message)
        except (TimeoutError, ConnectionError):
            await asyncio.sleep(0.05)


async def test_a_record_is_what_other_programs_and_debezium_make_of_an_event(kafka) -> None:
    consumer = aiokafka.AIOKafkaConsumer(auto_offset_reset="earliest", **login(kafka))
    async with bus_on(kafka) as bus:
        await bus.publish(Message("id-1", TOPIC, "key-1", {"n": 1}, {"traceparent": "00-ab"}))
        try:
            await consumer.start()
            consumer.assign([aiokafka.TopicPartition(TOPIC, number) for number in range(3)])
            record = await asyncio.wait_for(consumer.getone(), 10)
        finally:
            await consumer.stop()
    assert (record.key, json.loads(record.value)) == (b"key-1", {"n": 1})
    headers = dict(record.headers)
    assert headers.pop("id") == b"id-1"
    assert json.loads(headers.pop("headers")) == {"traceparent": "00-ab"}
    assert headers == {}


async def test_messages_that_fail_for_ever_do_not_hold_up_the_others(kafka) -> None:
    failed: Counter[str] = Counter()
    again, done = asyncio.Event(), asyncio.Event()

    async def handle(message: Message) -> None:
        if message.id.startswith("bad"):
            failed[message.id] += 1
            if len(failed) == 80 and min(failed.values()) > 1:
                again.set()
            raise RuntimeError("never")
        done.set()

    async with bus_on(kafka) as bus:
        await bus.consume((TOPIC,), "pay", handle)
        # More than may be in hand, and all of one key that what follows has, too.
        await asyncio.gather(
            *(publish_surely(bus, Message(f"bad{number}", TOPIC, "k", {})) for number in range(80))
        )
        await asyncio.wait_for(again.wait(), 30)
        await publish_surely(bus, Message("good", TOPIC, "k", {}))
        await asyncio.wait_for(done.wait(), 10)


async def test_what_waits_to_be_tried_again_is_there_after_a_kill_9_of_everything(kafka) -> None:
    failed = asyncio.Event()
    got: asyncio.Queue[Message] = asyncio.Queue()

    async def fail(_message: Message) -> None:
        failed.set()
        raise RuntimeError("not yet")

    async with bus_on(kafka) as bus:
        await bus.consume((TOPIC,), "pay", fail)
        await bus.publish(Message("1", TOPIC, "k", {"n": 1}, {"a": "b"}))
        await asyncio.wait_for(failed.wait(), 20)
        kafka.server.kill()
    await asyncio.to_thread(kafka.server.start)
    async with bus_on(kafka) as bus:
        await bus.consume((TOPIC,), "pay", got.put)
        again = await asyncio.wait_for(got.get(), 30)
    assert (again.id, again.payload, again.headers) == ("1", {"n": 1}, {"a": "b"})
    assert again.attempt > 1


async def test_replicas_that_come_and_go_under_load_lose_nothing_and_repeat_nothing(kafka) -> None:
    handled: Counter[str] = Counter()

    async def handle(message: Message) -> None:
        await asyncio.sleep(0.005)
        handled[message.id] += 1

    async def publish(bus: KafkaBus) -> None:
        for number in range(400):
            await publish_surely(bus, Message(str(number), TOPIC, f"k{number % 17}", {}))

    async with bus_on(kafka) as bus:
        await bus.consume((TOPIC,), "pay", handle)
        load = asyncio.create_task(publish(bus))
        for _ in range(3):
            async with bus_on(kafka) as other:
                await other.consume((TOPIC,), "pay", handle)
                await asyncio.sleep(0.4)
        await load
        async with asyncio.timeout(30):
            while len(handled) < 400:  # noqa: ASYNC110 - the handlers tell nobody
                await asyncio.sleep(0.02)
    # Each of them left as it should, so nobody had to take over what was in hand.
    assert max(handled.values()) == 1


async def test_all_topics_of_a_group_are_followed_by_one_member(kafka) -> None:
    got: asyncio.Queue[str] = asyncio.Queue()

    async def first(message: Message) -> None:
        got.put_nowait(f"first {message.topic}")

    async def second(message: Message) -> None:
        got.put_nowait(f"second {message.topic}")

    async with bus_on(kafka) as bus:
        await bus.consume((TOPIC,), "pay", first)
        await bus.publish(Message("1", TOPIC, "k", {}))
        assert await asyncio.wait_for(got.get(), 20) == f"first {TOPIC}"
        # One that is asked for later, too.
        await bus.consume(("order.noticed",), "pay", second)
        await bus.publish(Message("2", "order.noticed", "k", {}))
        assert await asyncio.wait_for(got.get(), 20) == "second order.noticed"
        admin = aiokafka.admin.AIOKafkaAdminClient(**login(kafka))
        await admin.start()
        (groups,) = await admin.describe_consumer_groups(["pay"])
        await admin.close()
        assert len(groups.groups[0][5]) == 1


async def test_what_is_not_a_message_of_the_kit_is_parked(kafka) -> None:
    async with bus_on(kafka) as bus:
        await bus.consume((TOPIC,), "pay", lambda _: asyncio.sleep(0))
        await bus.publish(Message("1", TOPIC, "k", {}))
        producer = aiokafka.AIOKafkaProducer(**login(kafka))
        try:
            await producer.start()
            await producer.send_and_wait(TOPIC, b"\xff not JSON")
        finally:
            await producer.stop()
        body, headers = await kafka.parked("pay", TOPIC)
    assert body == b"\xff not JSON"
    assert "JSON" in headers["Parked-Reason"]


async def test_a_wrong_password_is_said_without_it_and_tried_again(
    kafka, capsys: pytest.CaptureFixture[str]
) -> None:
    bus = KafkaBus(kafka.url.replace("secret", "wr0ng"), name="order-service")
    await bus.open()
    said = ""
    async with asyncio.timeout(20):
        while "broker failed" not in said:
            await asyncio.sleep(0.01)
            said += "".join(capsys.readouterr())
    assert not bus.connected
    await bus.close()
    assert "wr0ng" not in said


async def test_a_message_under_way_is_not_sent_a_second_time(kafka, monkeypatch) -> None:
    """What is tried again because no answer came is the same record."""
    got: asyncio.Queue[str] = asyncio.Queue()

    async def handle(message: Message) -> None:
        got.put_nowait(message.id)

    async with bus_on(kafka) as bus:
        await bus.publish(Message("first", TOPIC, "k", {}))
        kafka.server.freeze()
        try:
            with monkeypatch.context() as patched:
                # Only a broker that does not answer is to be given up so soon.
                patched.setattr("tarmac_kit.bus.kafka.PUBLISH_S", 0.3)
                for _ in range(2):
                    with pytest.raises(TimeoutError):
                        await bus.publish(Message("again", TOPIC, "k", {}))
        finally:
            kafka.server.process.send_signal(18)
        async with asyncio.timeout(40):
            while True:
                try:
                    await bus.publish(Message("last", TOPIC, "k", {}))
                    break
                except (TimeoutError, ConnectionError):
                    await asyncio.sleep(0.05)
        await bus.consume((TOPIC,), "pay", handle)
        assert [await asyncio.wait_for(got.get(), 20) for _ in range(3)] == [
            "first",
            "again",
            "last",
        ]


def kits_own(tasks: set[asyncio.Task[object]]) -> list[str]:
    """List the tasks that run a coroutine of the kit; those of its client are the client's."""
    found = [task.get_coro().cr_code for task in tasks]  # type: ignore[union-attr]
    return [code.co_qualname for code in found if "/tarmac_kit/" in code.co_filename]


async def test_a_service_ends_in_time_while_its_broker_is_away(kafka) -> None:
    """A process that is told to end has ten seconds."""
    got = asyncio.Event()

    async def handle(_message: Message) -> None:
        got.set()

    async with bus_on(kafka) as bus:
        await bus.consume((TOPIC,), "pay", handle)
        await bus.publish(Message("1", TOPIC, "k", {}))
        await asyncio.wait_for(got.wait(), 20)
        kafka.server.kill()
        async with asyncio.timeout(10):
            while bus.connected:  # noqa: ASYNC110 - the connection tells nobody
                await asyncio.sleep(0.01)
        assert kits_own(asyncio.all_tasks())
        await asyncio.wait_for(bus.close(), 10)
        assert not bus.connected
        assert kits_own(asyncio.all_tasks()) == [], "nothing of it runs on"


REPLICA = """
import asyncio, os, sys
from tarmac_kit.bus import make_bus

done = 0

def say(verb, message):  # in one write: a line is there whole or not at all, whenever it is killed
    os.write(1, f"{verb} {message.id}\\n".encode())

async def handle(message):
    global done
    say("has", message)
    await asyncio.sleep(0.02)
    if done == 20:  # of which the next is never done, however late the test comes to kill it
        await asyncio.Event().wait()
    done += 1
    say("did", message)

async def main():
    bus = make_bus(sys.argv[1], service="order-service")
    await bus.open()
    await bus.consume((sys.argv[2],), "pay", handle)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_replica_killed_under_load_leaves_nothing_behind_and_what_it_had_is_a_second_time(
    kafka,
) -> None:
    attempts: dict[str, int] = {}

    async def handle(message: Message) -> None:
        attempts[message.id] = message.attempt

    def said(words: list[bytes], verb: bytes) -> set[str]:
        return {word[4:].strip().decode() for word in words if word.startswith(verb)}

    async with bus_on(kafka) as bus:
        dies = await asyncio.create_subprocess_exec(
            sys.executable, "-c", REPLICA, kafka.url, TOPIC, stdout=asyncio.subprocess.PIPE
        )
        assert dies.stdout is not None
        for number in range(200):
            await publish_surely(bus, Message(str(number), TOPIC, f"k{number % 11}", {}))
        lines: list[bytes] = []
        async with asyncio.timeout(30):
            while len(said(lines, b"did")) < 20 or said(lines, b"has") == said(lines, b"did"):
                lines.append(await dies.stdout.readline())
        dies.send_signal(signal.SIGKILL)
        lines += (await dies.stdout.read()).splitlines()
        await dies.wait()
        await bus.consume((TOPIC,), "pay", handle)
        done = said(lines, b"did")
        async with asyncio.timeout(40):
            while len(done | attempts.keys()) < 200:  # noqa: ASYNC110 - the handlers tell nobody
                await asyncio.sleep(0.02)
    cut_off = said(lines, b"has") - done
    assert cut_off
    assert {attempts[message_id] for message_id in cut_off} == {2}
    # What it had not been given yet is a first time; what waited in its hand for its key is not.
    assert 1 in {attempts[message_id] for message_id in attempts.keys() - done - cut_off}


async def test_what_a_producer_took_with_it_is_sent_by_the_next_one(kafka) -> None:
    async with bus_on(kafka) as bus:
        await bus.publish(Message("1", TOPIC, "k", {}))
        kafka.server.freeze()
        try:
            with pytest.raises(TimeoutError):
                await bus.publish(Message("2", TOPIC, "k", {}))
            # As after a failure that an idempotent producer cannot get over.
            bus._broken.set()
            async with asyncio.timeout(20):
                while bus.connected:  # noqa: ASYNC110 - the connection tells nobody
                    await asyncio.sleep(0.01)
        finally:
            kafka.server.kill()
        await asyncio.to_thread(kafka.server.start)
        async with asyncio.timeout(30):
            while True:
                try:
                    await bus.publish(Message("2", TOPIC, "k", {}))
                    break
                except (TimeoutError, ConnectionError):
                    await asyncio.sleep(0.05)


async def test_an_empty_disk_whose_users_get_their_rights_later_loses_nobody(kafka) -> None:
    """A topic that may not be seen yet is not a topic that is there."""
    handled: list[str] = []
    came = asyncio.Event()

    async def handle(message: Message) -> None:
        handled.append(message.id)
        came.set()

    async with bus_on(kafka) as bus:
        await bus.consume((TOPIC,), "pay", handle)
        await bus.publish(Message("before", TOPIC, "key", {}))
        await asyncio.wait_for(came.wait(), 30)
        came.clear()
        await asyncio.to_thread(kafka.server.kill)
        shutil.rmtree(kafka.server.data)
        grant, kafka.server.is_up = kafka.server.is_up, kafka.server.listens
        try:
            await asyncio.to_thread(kafka.server.start)
            kafka.server.is_up = grant
            async with asyncio.timeout(90):
                while not bus.connected:  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.01)
            with pytest.raises(aiokafka.errors.TopicAuthorizationFailedError):
                await bus.publish(Message("refused", TOPIC, "key", {}))
        finally:  # the tests after this one use the same server
            kafka.server.is_up = grant
            await asyncio.to_thread(kafka_server.is_ready, kafka.server.port)
        await publish_surely(bus, Message("after", TOPIC, "key", {}))
        await asyncio.wait_for(came.wait(), 90)
    assert handled == ["before", "after"]
