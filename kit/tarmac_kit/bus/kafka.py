"""The Bus on Kafka: records stored by an idempotent producer, a consumer group per part.

Made by `make_bus` for kafka:// and kafkas:// URLs, the latter with TLS; `?mechanism=SCRAM-SHA-512`
where the broker does not take a plain password. It stays connected through any number of restarts
of the broker; delivery is at least once.

A topic is one of Kafka's, a message's key is its record's, and two headers hold the rest: `id`, and
`headers`, a JSON object. Topics that are missing are made, if the user may. A group that comes
later gets all that the broker still has of its topics.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import time
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tarmac_kit.background import raise_if_cancelled
from tarmac_kit.bus.kafka_consumer import (
    ATTEMPTS,
    DEAD_LETTER,
    HEADERS,
    ID,
    RETRY,
    KafkaConsumer,
    failure_topic,
)
from tarmac_kit.bus.kafka_stop import stop
from tarmac_kit.bus.keeping import CONNECT_PAUSES_S, Backoff, BusTasks, keep_consuming
from tarmac_kit.jsons import dumps
from tarmac_kit.messages import Handler, Message

REASON = "Parked-Reason"

CONNECT_S = 5.0
PUBLISH_S = 2.0
PING_S = 0.9
#: How often the broker is asked whether it is there, and while it is not.
WATCH_S, AWAY_S = 1.0, 0.25
#: A broker that is away for so long may come back at other addresses: they are looked up again.
RENEW_S = 15.0
CLOSE_S = 2.0
#: Of a topic that is made here; failed messages are in one.
PARTITIONS = 3
_UNKNOWN_TOPIC, _ALREADY_THERE = 3, 36


class KafkaBus:
    """One producer on a Kafka cluster, and a consumer for each group."""

    def __init__(self, url: str, *, name: str) -> None:
        """Take the URL."""
        self._connection = {**_connection(url), "client_id": name}
        self._producer: Any = None
        #: Topics that are there.
        self._topics: set[str] = set()
        #: What was sent and is not known to be stored yet, by topic and message id.
        self._pending: dict[tuple[str, str], asyncio.Future[Any]] = {}
        self._group_consumers: dict[str, KafkaConsumer] = {}
        self._up = asyncio.Event()
        self._broken = asyncio.Event()
        self._tasks = BusTasks("kafka")
        self._log = self._tasks.log
        #: When the broker was there last.
        self._answered_at = time.monotonic()

    @property
    def connected(self) -> bool:
        """Return whether the broker can be reached now."""
        return self._up.is_set()

    async def ping(self) -> None:
        """Return once the broker has answered; raises when it does not."""
        await self._ping(self._client())

    async def open(self) -> None:
        """Begin to connect and stay connected; returns at once."""
        # What the client says of a lost connection is said here, once and without a traceback.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        self._tasks.keep(self._keep_connected)

    async def close(self) -> None:
        """Stop the consumers, give handlers in flight some seconds, disconnect."""
        await self._tasks.end()

    async def publish(self, message: Message) -> None:
        """Store the message in its topic; raises when it is not known to be stored."""
        headers = [(ID, message.id.encode())]
        if message.headers:
            headers.append((HEADERS, dumps(dict(message.headers)).encode()))
        body = dumps(message.payload).encode()
        await self._store(message.topic, message.id, message.key.encode() or None, body, headers)

    async def consume(self, topics: tuple[str, ...], group: str, handler: Handler) -> None:
        """Begin to hand messages to `handler`, up to 64 at once, one at a time per key."""
        if group not in self._group_consumers:
            consumer = KafkaConsumer(
                group, self._connection, self._make, self._store_failed, self._up.is_set
            )
            self._group_consumers[group] = consumer
            self._tasks.consume(f"as {group}", self._keep_consuming(consumer))
        for topic in topics:
            self._group_consumers[group].add(topic, handler)

    async def _keep_connected(self) -> None:
        from aiokafka import AIOKafkaProducer  # noqa: PLC0415 - the client is imported when used

        backoff = Backoff(*CONNECT_PAUSES_S)
        while True:
            raise_if_cancelled()
            producer = AIOKafkaProducer(
                **self._connection,
                acks="all",
                enable_idempotence=True,
                request_timeout_ms=10_000,
                max_batch_size=131_072,
            )
            self._broken.clear()
            try:
                async with asyncio.timeout(CONNECT_S):
                    await producer.start()
                backoff.reset()
                self._producer = producer
                await self._come_up()
                raise_if_cancelled()
                await self._watch(producer)
            except Exception as error:  # noqa: BLE001 - it stays, whatever the client meets
                self._log.failed(error)
            finally:
                within_s = CLOSE_S if self._up.is_set() else AWAY_S
                self._up.clear()
                self._producer = None
                await stop(producer, producer.client, within_s)
                # What it had not stored it never will.
                self._pending.clear()
            await backoff.pause()

    async def _come_up(self) -> None:
        # It may have come back with an empty disk: topics are made sure of again.
        self._topics.clear()
        self._up.set()
        self._log.connected()
        # Consumers stay members of their groups meanwhile, but not for ever.
        away = time.monotonic() - self._answered_at > RENEW_S
        self._answered_at = time.monotonic()
        for consumer in [
            group_consumer
            for group_consumer in self._group_consumers.values()
            if group_consumer.runs
        ]:
            if away:
                consumer.interrupt()
            else:
                await self._prepare(consumer)

    async def _watch(self, producer: Any) -> None:
        """Poll the broker; return when everything has to start again."""
        while not self._broken.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WATCH_S if self._up.is_set() else AWAY_S):
                    await self._broken.wait()
            try:
                await self._ping(producer.client)
            except Exception:  # noqa: BLE001 - the client has many
                if self._up.is_set():
                    self._up.clear()
                    self._log.lost()
                if time.monotonic() - self._answered_at > RENEW_S:
                    return
            else:
                if not self._up.is_set():
                    await self._come_up()
                self._answered_at = time.monotonic()

    async def _prepare(self, consumer: KafkaConsumer) -> None:
        """Restart a consumer whose topics the broker has lost, or may have lost."""
        were_missing = True
        with contextlib.suppress(Exception):  # a broker that has just started may not answer yet
            async with asyncio.timeout(CONNECT_S):
                were_missing = await self._make(consumer.topics)
        if were_missing:
            consumer.interrupt()

    def _client(self) -> Any:
        if self._producer is None or not self._up.is_set():
            raise ConnectionError("the broker is not connected")
        return self._producer.client

    async def _ping(self, client: Any) -> None:
        from aiokafka.protocol.metadata import MetadataRequest  # noqa: PLC0415 - as above

        async with asyncio.timeout(PING_S):
            await client.send(client.get_random_node(), MetadataRequest([]))

    async def _store(
        self,
        topic: str,
        name: str,
        key: bytes | None,
        body: bytes,
        headers: list[tuple[str, bytes]],
    ) -> None:
        """Send a record and wait until it is stored; one that is under way is not sent again."""
        from aiokafka import errors  # noqa: PLC0415 - as above

        self._client()
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._make((topic,))
            async with asyncio.timeout(PUBLISH_S):
                sent = self._pending.get((topic, name))
                if sent is None:
                    sent = await self._producer.send(topic, body, key=key, headers=headers)
                    self._pending[topic, name] = sent
                    sent.add_done_callback(lambda done: self._sent((topic, name), done))
                await asyncio.shield(sent)
        except (errors.TopicAuthorizationFailedError, errors.MessageSizeTooLargeError):
            raise
        except errors.KafkaError:
            # After some failures an idempotent producer can never send again.
            self._broken.set()
            raise
        except TimeoutError:
            self._topics.discard(topic)
            raise

    def _sent(self, name: tuple[str, str], done: asyncio.Future[Any]) -> None:
        if self._pending.get(name) is done:
            del self._pending[name]
        if not done.cancelled():
            done.exception()  # its waiter has the result, or is gone

    async def _make(self, topics: tuple[str, ...]) -> bool:
        """Make the topics that are not there yet; what is there stays as its operator made it.

        Returns:
            Whether one was missing.
        """
        from aiokafka import errors  # noqa: PLC0415 - as above
        from aiokafka.protocol.admin import CreateTopicsRequest  # noqa: PLC0415 - as above
        from aiokafka.protocol.metadata import MetadataRequest  # noqa: PLC0415 - as above

        if self._topics.issuperset(topics):
            return False
        client = self._client()
        node = client.get_random_node()
        known = await client.send(node, MetadataRequest(list(topics), False))
        for code, topic, *_ in known.topics:
            # Whether it is there is not said to users who may not see it, or not yet.
            if code == errors.TopicAuthorizationFailedError.errno:
                raise errors.TopicAuthorizationFailedError(topic)
        missing = [topic[1] for topic in known.topics if topic[0] == _UNKNOWN_TOPIC]
        if missing:
            copies = min(3, len(client.cluster.brokers()))
            asked: list[Any] = [(name, _partitions(name), copies, [], []) for name in missing]
            made = await client.send(node, CreateTopicsRequest(asked, 5000, False))
            for topic, code, *_ in made.topic_errors:
                if code not in (0, _ALREADY_THERE):
                    raise errors.for_code(code)(topic)
        self._topics.update(topics)
        return bool(missing)

    async def _keep_consuming(self, consumer: KafkaConsumer) -> None:
        async def consume() -> None:
            while True:  # it returns when it is to begin again
                raise_if_cancelled()
                await self._up.wait()
                await consumer.run()

        await keep_consuming(consume, self._up, self._log)

    async def _store_failed(
        self, place: str, group: str, topic: str, record: Any, why: int | str
    ) -> None:
        kept = [(name, value) for name, value in record.headers if name != ATTEMPTS]
        if place == RETRY:
            kept.append((ATTEMPTS, str(why).encode()))
        elif place == DEAD_LETTER:
            kept.append((REASON, str(why)[:500].replace("\n", " ").encode()))
        name = f"{record.topic}/{record.partition}/{record.offset}"
        target = failure_topic(place, group, topic)
        await self._store(target, name, record.key, record.value or b"", kept)


def _partitions(topic: str) -> int:
    return 1 if topic.startswith((f"{RETRY}.", f"{DEAD_LETTER}.")) else PARTITIONS


def _connection(url: str) -> dict[str, Any]:
    """Read what a client needs from the URL."""
    parts = urlsplit(url)
    secure = parts.scheme == "kafkas"
    # Several hosts are no URL to the library: it takes their ports for one.
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    port = 9093 if secure else 9092
    servers = (part if ":" in part else f"{part}:{port}" for part in hosts.split(","))
    found: dict[str, Any] = {
        "bootstrap_servers": ",".join(servers),
        "security_protocol": "SSL" if secure else "PLAINTEXT",
    }
    if secure:
        found["ssl_context"] = ssl.create_default_context()
    if user:
        found["security_protocol"] = "SASL_SSL" if secure else "SASL_PLAINTEXT"
        found["sasl_mechanism"] = parse_qs(parts.query).get("mechanism", ["PLAIN"])[0]
        found["sasl_plain_username"] = unquote(user)
        found["sasl_plain_password"] = unquote(password)
    return found
