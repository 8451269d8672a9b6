"""Kafka as the runtime starts it, with the kit's adapter as its client: what each may do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import aiokafka
import pytest
from aiokafka import errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from kafka_running import (
    AUDIT,
    GET,
    HOST,
    ORDERS,
    PAYMENTS,
    USERS,
    Running,
    launch_on,
    ports_of,
    server,
    shared,
    view_of,
)
from sandbox import Sandbox

from tarmac.base.errors import TarmacError
from tarmac.base.launch import reveal, secrets_of
from tarmac.catalog.stores.kafka import STORE
from tarmac.catalog.stores.kind import StoreContext, own_port
from tarmac.catalog.stores.protocols.dialogue import CommandRejected
from tarmac.catalog.stores.setup.kafka_acl import wanted
from tarmac.run.local.host import offers
from tarmac.run.local.stores.dialogue import converse, set_up_server
from tarmac_kit import Message
from tarmac_kit.bus import kafka_consumer, make_bus

__all__ = ["server", "shared"]  # fixtures


def properties(view: StoreContext) -> dict[str, str]:
    launch = launch_on(view)
    content = next(file.content for file in launch.files if file.path == "server.properties")
    written = reveal(content, {secret.path: secret.path for secret in secrets_of(launch)})
    return dict(line.split("=", 1) for line in written.splitlines() if line)


def test_each_user_has_a_listener_that_says_its_wires_port_and_knows_its_password_only():
    ports = ports_of(USERS, 20_000)
    wires = {own_port(ORDERS.service): 30_000, own_port(PAYMENTS.service): 30_001}
    has = properties(view_of(ports, advertised=wires))
    heard, said = (
        dict(text.split("://") for text in has[key].split(","))
        for key in ("listeners", "advertised.listeners")
    )
    assert heard["FOR_ORDER_SERVICE"] == f"{HOST}:{ports['for-order-service']}"
    assert said["FOR_ORDER_SERVICE"] == f"{HOST}:30000"
    assert said["FOR_PAYMENT_SERVICE"] == f"{HOST}:30001"
    # Without a wire it is the port itself.
    assert said["FOR_AUDIT"] == heard["FOR_AUDIT"]
    assert said["MAIN"] == heard["MAIN"]
    assert "CONTROLLER" not in said
    login = has["listener.name.for_order_service.plain.sasl.jaas.config"]
    assert 'user_order_service="stores/broker/order-service"' in login
    assert "payment" not in login
    assert "admin" not in login
    assert "user_tarmac=" in has["listener.name.controller.plain.sasl.jaas.config"]
    assert "user_order_service=" not in has["listener.name.controller.plain.sasl.jaas.config"]
    assert set(has["listener.security.protocol.map"].split(",")) == {
        f"{name}:SASL_PLAINTEXT" for name in heard
    }


def test_what_is_set_up_is_what_the_kit_would_make():
    topics = dict(wanted(view_of(ports_of(USERS))).topics)
    needed = {"order.placed", "order.noticed", "payment.captured"}
    for group, topic in (
        ("orders", "payment.captured"),
        ("payments", "order.placed"),
        ("audit", "order.placed"),
    ):
        needed |= {
            kafka_consumer.failure_topic(place, group, topic) for place in ("retry", "parked")
        }
    assert topics.keys() == needed
    assert {name for name, count in topics.items() if count == 1} == {
        name for name in needed if name.startswith(("retry.", "parked."))
    }


def test_a_changed_right_changes_the_set_up_of_the_broker():
    """A right that changes has the broker told of it, as a file that changes does."""
    ports = ports_of(USERS)
    before = launch_on(view_of(ports))
    more = replace(PAYMENTS, consumes=("order.placed", "order.noticed"))
    after = launch_on(view_of(ports, (ORDERS, more, AUDIT)))
    assert repr(before.post_start) == repr(launch_on(view_of(ports)).post_start)
    assert repr(before.post_start) != repr(after.post_start)


def login(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    return {
        "bootstrap_servers": f"{parts.hostname}:{parts.port}",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": parts.username or "",
        "sasl_plain_password": parts.password or "",
    }


async def may_write(url: str, topic: str) -> bool:
    producer = aiokafka.AIOKafkaProducer(**login(url))
    try:
        await producer.start()
        await asyncio.wait_for(producer.send_and_wait(topic, b"{}"), 10)
    except errors.TopicAuthorizationFailedError:
        return False
    finally:
        await producer.stop()
    return True


async def may_read(url: str, topic: str, group: str) -> bool:
    consumer = aiokafka.AIOKafkaConsumer(
        topic, group_id=group, auto_offset_reset="earliest", **login(url)
    )
    try:
        await asyncio.wait_for(consumer.start(), 10)
        await consumer.getmany(timeout_ms=100)
        await consumer.commit()
    except (errors.TopicAuthorizationFailedError, errors.GroupAuthorizationFailedError):
        return False
    finally:
        await consumer.stop()
    return True


@pytest.mark.servers
async def test_a_service_may_touch_its_own_topics_and_groups_only(shared: Running):
    url, audit = shared.url(ORDERS), shared.url(AUDIT)
    writes = {
        "order.placed": True,
        "retry.orders.payment.captured": True,
        "payment.captured": False,
        "retry.payments.order.placed": False,
        "parked.payments.order.placed": False,
    }
    assert {topic: await may_write(url, topic) for topic in writes} == writes
    reads = {
        ("payment.captured", "orders"): True,
        ("payment.captured", "order-service"): True,
        ("parked.orders.payment.captured", "orders"): True,
        ("payment.captured", "payments"): False,
        ("order.placed", "orders"): False,
        ("parked.payments.order.placed", "orders"): False,
    }
    assert {topic: await may_read(url, *topic) for topic in reads} == reads
    # Another program names its groups after itself.
    assert await may_read(audit, "order.placed", "audit-of-today")
    assert not await may_read(audit, "order.placed", "payments")
    assert not await may_write(audit, "order.placed")
    admin = AIOKafkaAdminClient(**login(url))
    await admin.start()
    made = await admin.create_topics([NewTopic("mine", 1, 1)])
    gone = await admin.delete_topics(["order.placed"])
    await admin.close()
    assert [error[1] for error in made.topic_errors] != [0]
    assert [topic_error_code[1] for topic_error_code in gone.topic_error_codes] != [0]


@pytest.mark.servers
async def test_a_listener_takes_its_users_password_and_no_other(shared: Running):
    own, other = shared.url(ORDERS), shared.url(PAYMENTS)
    for url in (
        own.replace(urlsplit(own).password or "", "wrong"),
        # Another's name and password, on this one's port.
        other.replace(str(urlsplit(other).port), str(urlsplit(own).port)),
        f"kafka://tarmac:{shared.secrets['stores/broker/admin']}@{HOST}:{urlsplit(own).port}",
    ):
        producer = aiokafka.AIOKafkaProducer(**login(url))
        try:
            with pytest.raises(errors.KafkaError):
                await producer.start()
        finally:
            await producer.stop()


@pytest.mark.servers
async def test_what_a_service_no_longer_declares_it_may_no_longer_do(server: Running):
    assert await may_write(server.url(PAYMENTS), "payment.captured")
    await server.end(signal.SIGTERM)
    server.users = (ORDERS, replace(PAYMENTS, publishes=()), AUDIT)
    await server.start()
    assert not await may_write(server.url(PAYMENTS), "payment.captured")
    assert await may_write(server.url(ORDERS), "order.placed")


@pytest.mark.servers
async def test_killed_under_load_it_loses_nothing_that_was_confirmed(server: Running):
    confirmed: set[str] = set()
    #: Of these, before it was killed.
    before: set[str] = confirmed
    handled: set[str] = set()
    publisher = make_bus(server.url(ORDERS), service="order-service")
    consumer = make_bus(server.url(PAYMENTS), service="payment-service")

    async def handle(message: Message) -> None:
        handled.add(message.id)

    async def publish() -> None:
        nonlocal before
        for number in range(10_000):
            if len(confirmed - before) > 100:
                return
            message = Message(str(number), "order.placed", f"k{number % 7}", {})
            with contextlib.suppress(ConnectionError, TimeoutError, errors.KafkaError):
                await publisher.publish(message)
                confirmed.add(message.id)
            await asyncio.sleep(0.001)

    await publisher.open()
    await consumer.open()
    await consumer.consume(("order.placed",), "payments", handle)
    load = asyncio.create_task(publish())
    async with asyncio.timeout(60):
        while len(confirmed) < 100:  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.005)
        await server.end(signal.SIGKILL)
        before = set(confirmed)
        await asyncio.sleep(0.2)
        await server.start(server.ports)
        await load
        while not confirmed <= handled:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.02)
    assert len(confirmed) > 200
    await consumer.close()
    await publisher.close()


@pytest.mark.servers
async def test_putting_it_back_empties_every_topic_and_keeps_its_users_connected(shared: Running):
    got: asyncio.Queue[str] = asyncio.Queue()

    async def handle(message: Message) -> None:
        got.put_nowait(message.id)

    publisher = make_bus(shared.url(ORDERS), service="order-service")
    await publisher.open()
    async with asyncio.timeout(20):
        while not publisher.connected:  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.01)
    await publisher.publish(Message("before", "order.placed", "k", {}))
    assert STORE.reset is not None
    dialogue = STORE.reset.restore(shared.view, None)  # type: ignore[union-attr]
    await converse(HOST, shared.ports["main"], dialogue, shared.secrets)
    await publisher.publish(Message("after", "order.placed", "k", {}))
    consumer = make_bus(shared.url(PAYMENTS), service="payment-service")
    await consumer.open()
    await consumer.consume(("order.placed",), "payments", handle)
    assert await asyncio.wait_for(got.get(), 20) == "after"
    await consumer.close()
    await publisher.close()


@pytest.mark.servers
async def test_putting_it_back_with_a_wrong_password_is_refused(shared: Running):
    view = replace(shared.view, admin=AUDIT.password)
    dialogue = STORE.reset.restore(view, None)  # type: ignore[union-attr]
    with pytest.raises((CommandRejected, OSError)):
        await converse(HOST, shared.ports["main"], dialogue, shared.secrets)


CLIENT = """
import asyncio
import os
from urllib.parse import urlsplit
import aiokafka

async def main():
    parts = urlsplit(os.environ["URL"])
    at = dict(
        bootstrap_servers=f"{parts.hostname}:{parts.port}", security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN", sasl_plain_username=parts.username,
        sasl_plain_password=parts.password,
    )
    producer = aiokafka.AIOKafkaProducer(**at)
    await producer.start()
    for _ in range(10):
        await producer.send_and_wait("kept.it", b"x" * 50_000)
    await producer.stop()
    consumer = aiokafka.AIOKafkaConsumer(
        "kept.it", group_id="cl", auto_offset_reset="earliest", **at
    )
    await consumer.start()
    seen = 0
    while seen < 10:
        seen += sum(map(len, (await consumer.getmany(timeout_ms=1000)).values()))
    print("RESULT", seen, flush=True)
    await asyncio.sleep(3600)

asyncio.run(main())
"""


@pytest.mark.servers
@pytest.mark.parametrize("direct", [False, True], ids=["wires", "direct"])
def test_all_that_a_client_says_and_hears_goes_over_its_own_wire(sandbox: Sandbox, direct: bool):
    if offers.find(STORE) is None:
        pytest.skip(GET)
    (sandbox.folder / "client.py").write_text(CLIENT)
    sandbox.write(
        f"""
        tarmac: 1
        system: one
        services:
          cl:
            run: [{sys.executable}, client.py]
            publishes: [kept.it]
            consumes: [kept.it]
            env: {{URL: "${{broker.url}}"}}
            probe: {{log: ^RESULT}}
        broker: kafka
        """
    )
    assert sandbox.up(*(["--direct"] if direct else []))["healthy"]
    edges: list[dict[str, Any]] = json.loads(sandbox.tarmac("edges", "--json").stdout)["edges"]
    (edge,) = [wire for wire in edges if wire["target"] == "broker"]
    assert edge["source"] == "cl"
    if direct:
        assert not edge["listen"]
        return
    assert edge["bytes_sent"] > 500_000
    assert edge["bytes_received"] > 500_000


@pytest.mark.servers
async def test_a_broker_that_refuses_its_set_up_says_so_without_a_secret(shared: Running):
    told = shared.launch.post_start
    assert told is not None
    wrong = replace(told, wanted=replace(told.wanted, password=AUDIT.password))  # type: ignore[type-var]
    with pytest.raises(TarmacError, match=r"set-up failed: .*[Aa]uthentication") as caught:
        await set_up_server(HOST, wrong, shared.secrets)
    assert not any(secret in str(caught.value) for secret in shared.secrets.values())
    badly = replace(told.wanted, topics=(("not a topic's name", 1),))  # type: ignore[type-var]
    with pytest.raises(TarmacError, match="not a topic's name"):
        await set_up_server(HOST, replace(told, wanted=badly), shared.secrets)
