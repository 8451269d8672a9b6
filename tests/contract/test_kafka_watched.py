"""Kafka for who watches it: a listener in its own pod, names and positions, and no message."""

from __future__ import annotations

import asyncio

import aiokafka
import built
import pytest
from aiokafka import TopicPartition, errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from broker_users import PAYMENTS
from exporters import check_catalogue, exporting, families, told
from free_ports import free_port
from kafka_running import HOST, ORDERS, Running, server, view_of

from tarmac.base.launch import Secret, reveal
from tarmac.catalog.stores.kafka import STORE
from tarmac.catalog.stores.kind import MONITOR, User, own_port
from tarmac.catalog.stores.setup import kraft
from tarmac.catalog.stores.setup.kafka_acl import wanted

__all__ = ["server"]  # a fixture

WATCHING = Secret("stores/broker/monitor")
AT = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN"}
#: In its pod.
WATCHED = kraft.WATCHED
GET = "there is no exporter of Kafka; run .ci/kafkaexporter (`make tools`)"


def test_who_watches_asks_the_listener_that_only_the_pod_hears():
    view = view_of({"main": 1, "controller": 2, "for-order-service": 3}, (ORDERS,), None, WATCHING)
    made = reveal(kraft.config(view, "/x", dict(view.ports), "0.0.0.0", False), _known(view))
    has = dict(line.split("=", 1) for line in made.splitlines() if line)
    own = f"MONITOR://127.0.0.1:{kraft.WATCHED}"
    assert own in has["listeners"].split(",")
    assert own in has["advertised.listeners"].split(",")
    login = has["listener.name.monitor.plain.sasl.jaas.config"]
    assert login.count("user_") == 1
    assert f'user_{MONITOR}="{WATCHING.path}"' in login
    assert all(MONITOR not in line for name, line in has.items() if "monitor.plain" not in name)
    exporter = STORE.exporter
    assert exporter is not None
    assert f"--kafka.server=127.0.0.1:{kraft.WATCHED}" in exporter.args
    # Its own default is none, with which it does not start.
    assert "--sasl.mechanism=plain" in exporter.args
    assert f"--sasl.username={MONITOR}" in exporter.args
    # It reads the variable itself: an argument would stand in the list of processes.
    assert exporter.password == "SASL_USER_PASSWORD"
    assert not [word for word in exporter.args if "password" in word]


def _known(view):
    return {secret.path: secret.path for secret in (view.admin, WATCHING, ORDERS.password)}


async def watch(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start the server again with a listener for its exporter, on a free port."""
    await server.end()
    monkeypatch.setattr(kraft, "WATCHED", free_port())
    server.monitor = WATCHING
    await server.start(server.ports)


def asking(server: Running, user: User) -> dict[str, str]:
    """Say how a user connects."""
    return {
        **AT,
        "bootstrap_servers": f"{HOST}:{server.ports[own_port(user.service)]}",
        "sasl_plain_username": user.role,
        "sasl_plain_password": server.secrets[user.password.path],
    }


@pytest.mark.servers
async def test_it_sees_topics_groups_and_positions_and_may_read_and_write_nothing(
    server: Running, monkeypatch: pytest.MonkeyPatch
):
    await watch(server, monkeypatch)
    own = {
        **AT,
        "bootstrap_servers": f"{HOST}:{kraft.WATCHED}",
        "sasl_plain_username": MONITOR,
        "sasl_plain_password": server.secrets[WATCHING.path],
    }
    (taken, *_) = ORDERS.consumes
    orders = asking(server, ORDERS)
    async with aiokafka.AIOKafkaConsumer(taken, group_id=ORDERS.service, **orders) as consumer:
        await consumer.seek_to_end()
        await consumer.commit()
    admin = AIOKafkaAdminClient(**own)
    await admin.start()
    try:
        names = {name for name, _ in wanted(server.view).topics}
        assert names <= set(await admin.list_topics())
        assert ORDERS.service in {name for name, _ in await admin.list_consumer_groups()}
        assert await admin.list_consumer_group_offsets(ORDERS.service)
        (broker,) = (await admin.describe_cluster())["brokers"]
        assert (broker["host"], broker["port"]) == (HOST, kraft.WATCHED)
        made = await admin.create_topics([NewTopic("mine", 1, 1)])
        assert [error[1] for error in made.topic_errors] != [0]
    finally:
        await admin.close()
    async with aiokafka.AIOKafkaConsumer(**own) as reader:
        partition = TopicPartition(taken, 0)
        reader.assign([partition])
        assert (await reader.end_offsets([partition])).keys() == {partition}
        await reader.seek_to_beginning(partition)
        with pytest.raises(errors.TopicAuthorizationFailedError):
            await reader.getmany(timeout_ms=5000)
    async with aiokafka.AIOKafkaProducer(**own) as producer:
        with pytest.raises(errors.TopicAuthorizationFailedError):
            await producer.send_and_wait(taken, b"{}")


@pytest.mark.servers
async def test_its_exporter_tells_of_topics_and_of_what_a_group_has_not_read(
    server: Running, monkeypatch: pytest.MonkeyPatch
):
    if (program := built.newest("kafkaexporter-*/kafka_exporter")) is None:
        pytest.skip(GET)
    await watch(server, monkeypatch)
    (taken, *_) = ORDERS.consumes
    async with aiokafka.AIOKafkaProducer(**asking(server, PAYMENTS)) as producer:
        first = await producer.send_and_wait(taken, b"{}", partition=0)
    reader = aiokafka.AIOKafkaConsumer(
        taken, group_id=ORDERS.service, enable_auto_commit=False, **asking(server, ORDERS)
    )
    async with reader:
        await reader.seek_to_beginning()
        await reader.getone()
        await reader.commit({TopicPartition(taken, 0): first.offset})
        moved = {f":{WATCHED}": kraft.WATCHED}
        listen = f"--web.listen-address={HOST}:PORT"
        password = server.secrets[WATCHING.path]
        with exporting(STORE, str(program), server.view, moved, listen, password=password) as port:
            found = await asyncio.to_thread(told, port)
            lag = await asyncio.to_thread(lags, port)
    check_catalogue(found, "kafka-exporter")
    assert lag[ORDERS.service, taken, "0"] == 1


def lags(port: int) -> dict[tuple[str, str, str], float]:
    """Read how many messages a group has not read, by group, topic and partition."""
    return {
        tuple(
            sample.labels[label] for label in ("consumergroup", "topic", "partition")
        ): sample.value
        for family in families(port)
        for sample in family.samples
        if sample.name == "kafka_consumergroup_lag"
    }
