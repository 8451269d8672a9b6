"""The ways from a database's log to a broker, and what arrives there, for the contract of capture.

Used by tests/contract/test_capture.py. Each way is a process that can be killed and started again.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import aiokafka
import nats as nats_client
from aiokafka.admin import AIOKafkaAdminClient
from free_ports import free_port

START = Path(__file__).parents[2] / "services/debezium/start.py"
TOPICS = ("order.placed", "order.confirmed")
TABLES = ("trip.public.places", "trip.public.kinds")


def kafka_login(port: int) -> dict[str, Any]:
    return {
        "bootstrap_servers": f"127.0.0.1:{port}",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "admin",
        "sasl_plain_password": "admin",
    }


@dataclass(frozen=True)
class Record:
    """What a consumer gets, without what differs by nature."""

    topic: str
    key: str
    payload: dict[str, Any]
    #: The event's id and trace, for those of the outbox.
    id: str = ""
    trace: dict[str, str] = field(default_factory=dict)


class Way(Protocol):
    """One way from the database to the broker."""

    process: subprocess.Popen[bytes] | None

    def start(self) -> None: ...

    def knows_its_place(self) -> bool: ...

    async def records(self) -> list[Record]: ...


@dataclass
class Embedded:
    """The kit's capture, on NATS or Kafka."""

    database_url: str
    broker_url: str
    log: Path
    kafka_port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it as Tarmac would."""
        env = {
            "PATH": os.environ["PATH"],
            "SERVICE_NAME": "trip-capture",
            "PORT": str(free_port()),
            "DATABASE_URL": self.database_url,
            "BROKER_URL": self.broker_url,
            "PUBLISHES": ",".join((*TOPICS, *TABLES)),
            "CAPTURE_PREFIX": "trip",
        }
        argv = [sys.executable, "-m", "tarmac_kit.serve", "tarmac_capture"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(argv, env=env, stdout=log, stderr=log)

    def knows_its_place(self) -> bool:
        """Tell whether it goes on where it was, if it is killed: the slot is its place."""
        return True

    async def records(self) -> list[Record]:
        """Read every stream from its beginning."""
        if self.kafka_port:
            return await on_kafka(self.kafka_port)
        connection = await nats_client.connect(self.broker_url, inbox_prefix="_INBOX.admin")
        found = []
        try:
            manager = connection.jsm()
            for stream in await manager.streams_info():
                for number in range(1, stream.state.last_seq + 1):
                    message = await manager.get_msg(str(stream.config.name), number)
                    headers = dict(message.headers or {})
                    id_, key = headers.pop("Nats-Msg-Id"), headers.pop("Message-Key")
                    payload = json.loads(message.data or b"")
                    found.append(record(str(message.subject), key, payload, id_, headers))
        finally:
            await connection.close()
        return found


@dataclass
class Debezium:
    """The real one, on Kafka."""

    database_url: str
    kafka_port: int
    data: Path
    log: Path
    process: subprocess.Popen[bytes] | None = None
    port: int = 0

    def start(self) -> None:
        """Start it as Tarmac would."""
        self.port = free_port()
        env = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "SERVICE_NAME": "trip-debezium",
            "PORT": str(self.port),
            "DATABASE_URL": self.database_url,
            "BROKER_URL": f"kafka://admin:admin@127.0.0.1:{self.kafka_port}",
            "CAPTURED_TABLES": "places, kinds",
            "CAPTURE_PREFIX": "trip",
            "DEBEZIUM_HOME": os.environ.get("DEBEZIUM_HOME", ""),
            "DEBEZIUM_DATA": str(self.data),
            "LOG_LEVEL": "info",
        }
        argv = [sys.executable, str(START)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(argv, env=env, stdout=log, stderr=log)

    def knows_its_place(self) -> bool:
        """Tell whether it goes on where it was, if it is killed.

        Both connectors have written down an offset after their snapshot. One that has not takes
        another snapshot, which shows rows as they are then and not what changed meanwhile.
        """
        offsets = self.data / "offsets"
        written = offsets.read_bytes() if offsets.exists() else b""
        return b"outbox" in written and b"tables" in written and b"snapshot" not in written

    async def records(self) -> list[Record]:
        """Read every topic from its beginning."""
        return await on_kafka(self.kafka_port)

    async def why_not_ready(self) -> str:
        """Ask as the probe does; nothing when all of its connectors and tasks run."""
        env = {"PATH": os.environ["PATH"], "PORT": str(self.port), "CAPTURED_TABLES": "places"}
        argv = [sys.executable, str(START), "ready"]
        asked = await asyncio.create_subprocess_exec(*argv, env=env, stderr=subprocess.PIPE)
        _, said = await asked.communicate()
        assert (asked.returncode == 0) == (said == b"")
        return said.decode()


async def on_kafka(port: int) -> list[Record]:
    """Read every topic of a Kafka from its beginning."""
    admin = AIOKafkaAdminClient(**kafka_login(port))
    await admin.start()
    there = [name for name in (*TOPICS, *TABLES) if name in await admin.list_topics()]
    described = await admin.describe_topics(there) if there else []
    await admin.close()
    places = [
        aiokafka.TopicPartition(topic["topic"], partition["partition"])
        for topic in described
        for partition in topic["partitions"]
    ]
    if not places:
        return []
    consumer = aiokafka.AIOKafkaConsumer(
        auto_offset_reset="earliest", group_id=None, **kafka_login(port)
    )
    await consumer.start()
    found = []
    try:
        consumer.assign(places)
        for at, end in (await consumer.end_offsets(places)).items():
            while await consumer.position(at) < end:
                for messages in (await consumer.getmany(at, timeout_ms=1000)).values():
                    found += [of_kafka(message) for message in messages]
    finally:
        await consumer.stop()
    return found


def of_kafka(message: Any) -> Record:
    """Read a record; it has no header that the contract does not name."""
    headers = {name: value.decode() for name, value in message.headers}
    for name in ("__debezium.newkey", "__debezium.oldkey"):
        headers.pop(name, None)
    trace = json.loads(headers.pop("headers", "{}"))
    id_ = headers.pop("id", "")
    assert headers == {}
    key = (message.key or b"").decode()
    return record(message.topic, key, json.loads(message.value), id_, trace)


def record(topic: str, key: str, payload: Any, id_: str, trace: dict[str, str]) -> Record:
    if topic not in TABLES:
        return Record(topic, key, payload, id_, trace)
    source = {name: payload["source"][name] for name in ("connector", "name", "schema", "table")}
    source["snapshot"] = payload["source"]["snapshot"] != "false"
    assert isinstance(payload["source"]["lsn"], int)
    assert isinstance(payload["source"]["ts_ms"], int)
    assert isinstance(payload["ts_ms"], int)
    kept = {name: payload[name] for name in ("before", "after", "op")}
    return Record(topic, key, {**kept, "source": source})
