"""The Bus on RabbitMQ: confirmed publishes, a durable queue per group and topic.

Made by `make_bus` for amqp:// URLs. It stays connected through any number of restarts of the
broker; delivery is at least once. What lies where on the broker is in `queues`.

A message is stored when a queue has it, so a group gets what was published since its queue exists:
on a broker that was set up beforehand always, else since the group first consumed. Before that, or
without a consumer, `unrouted` keeps it for a week; the publisher is never refused for want
of a consumer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tarmac_kit.background import raise_if_cancelled
from tarmac_kit.bus.keeping import CONNECT_PAUSES_S, Backoff, BusTasks, keep_consuming
from tarmac_kit.bus.queues import (
    DEAD_LETTER,
    RETRY,
    UNROUTED,
    Exchange,
    Queue,
    exchange_of,
    failure_queue,
    needed_by,
    unrouted,
)
from tarmac_kit.bus.rabbitmq_consumer import ATTEMPTS, KEY, PREFETCH, RabbitConsumer
from tarmac_kit.jsons import dumps
from tarmac_kit.messages import Handler, Message

if TYPE_CHECKING:
    from aio_pika.abc import AbstractChannel, AbstractConnection

REASON = "Parked-Reason"

CONNECT_S = 5.0
PUBLISH_S = 2.0
PING_S = 0.9
CLOSE_S = 2.0
#: A broker that is silent for twice this long counts as lost.
HEARTBEAT_S = 10


class RabbitBus:
    """One connection to a RabbitMQ server."""

    def __init__(self, url: str, *, name: str, prefetch: int = PREFETCH) -> None:
        """Take the URL; `prefetch` messages of a topic are in flight at once."""
        self._url = url
        self._name = name
        self._prefetch = prefetch
        self._connection: AbstractConnection | None = None
        #: A channel per topic, since the broker ends a channel for what it refuses.
        self._channels: dict[str, AbstractChannel] = {}
        self._opening = asyncio.Lock()
        #: The channels on which a publish was taken.
        self._proven: set[str] = set()
        self._proving: dict[str, asyncio.Lock] = {}
        self._consumers: list[RabbitConsumer] = []
        self._up = asyncio.Event()
        self._tasks = BusTasks("rabbitmq")
        self._log = self._tasks.log

    @property
    def connected(self) -> bool:
        """Return whether the broker can be reached now."""
        return self._up.is_set()

    async def ping(self) -> None:
        """Return once the broker has answered on a channel; raises when it does not."""
        async with asyncio.timeout(PING_S):
            channel = await self._channel("ping")
            await channel.set_qos(prefetch_count=1)

    async def open(self) -> None:
        """Begin to connect and stay connected; returns at once."""
        # What the client says of a lost connection is said here, once and without a traceback.
        for name in ("aio_pika", "aiormq"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._tasks.keep(self._keep_connected)

    async def close(self) -> None:
        """Stop the consumers, give handlers in flight some seconds, disconnect."""
        await self._tasks.end()

    async def publish(self, message: Message) -> None:
        """Store the message in its topic's queues; raises when it is not known to be stored."""
        exchange = exchange_of(message.topic)
        await self._store(
            message.topic,
            exchange,
            message.topic,
            dumps(message.payload).encode(),
            message.id,
            {**message.headers, KEY: message.key},
            (exchange, *unrouted()),
        )

    async def consume(self, topics: tuple[str, ...], group: str, handler: Handler) -> None:
        """Begin to hand messages to `handler`, up to 64 at once, one at a time per key."""
        for topic in topics:
            consumer = RabbitConsumer(
                topic, group, handler, self._park, self._retry, self._prefetch
            )
            self._consumers.append(consumer)
            self._tasks.consume(f"{group}.{topic}", self._keep_consuming(consumer))

    async def _keep_connected(self) -> None:
        import aio_pika  # noqa: PLC0415 - the client is imported when used

        backoff = Backoff(*CONNECT_PAUSES_S)
        while True:
            raise_if_cancelled()
            try:
                connection = await self._connect()
            except (*aio_pika.exceptions.CONNECTION_EXCEPTIONS, TimeoutError) as error:
                self._log.failed(error)
                await backoff.pause()
                continue
            backoff.reset()
            self._connection = connection
            lost = asyncio.Event()
            connection.close_callbacks.add(lambda *_, lost=lost: lost.set())
            self._up.set()
            self._log.connected()
            try:
                raise_if_cancelled()
                # Not its `closed()`, which only our own end sets.
                await lost.wait()
                self._log.lost()
            finally:
                self._up.clear()
                self._connection = None
                self._channels.clear()
                self._proven.clear()
                for consumer in self._consumers:
                    consumer.interrupt()
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(CLOSE_S):
                        await connection.close()

    async def _connect(self) -> AbstractConnection:
        """Connect once; a connection that fails is closed, which the client's own call leaves out.

        Its destructor would do so, in a task of whatever event loop runs at that moment.
        """
        from aio_pika.connection import Connection, make_url  # noqa: PLC0415 - as below

        properties: dict[str, Any] = {"connection_name": self._name}
        url = make_url(self._url, heartbeat=HEARTBEAT_S)
        connection = Connection(url, client_properties=properties)
        try:
            await connection.connect(timeout=CONNECT_S)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _new_channel(self, *, confirms: bool) -> AbstractChannel:
        if self._connection is None:
            raise ConnectionError("the broker is not connected")
        channel = self._connection.channel(publisher_confirms=confirms, on_return_raises=confirms)
        await channel.initialize()
        return channel

    async def _channel(self, purpose: str) -> AbstractChannel:
        """Return the open channel for a purpose, a new one if it was ended."""
        channel = self._channels.get(purpose)
        if channel is None or channel.is_closed:
            async with self._opening:
                channel = self._channels.get(purpose)
                if channel is None or channel.is_closed:
                    channel = await self._new_channel(confirms=True)
                    self._channels[purpose] = channel
        return channel

    async def _store(
        self,
        purpose: str,
        exchange: Exchange,
        key: str,
        body: bytes,
        message_id: str,
        headers: Mapping[str, Any],
        needed: tuple[Exchange | Queue, ...],
    ) -> None:
        """Publish and wait for the broker's word; make what it `needed` and lacks.

        The broker ends a channel for what it refuses, and the whole connection if more comes on it
        meanwhile: until one was taken they go one by one.
        """
        from aio_pika import DeliveryMode, Message, exceptions  # noqa: PLC0415 - as above

        properties = Message(
            b"",
            headers=dict(headers),
            message_id=message_id,
            content_type="application/json",
            delivery_mode=DeliveryMode.PERSISTENT,
        ).properties

        async def publish() -> None:
            channel = await (await self._channel(purpose)).get_underlay_channel()
            await channel.basic_publish(
                body, exchange=exchange.name, routing_key=key, properties=properties, mandatory=True
            )

        async with asyncio.timeout(PUBLISH_S):
            if purpose not in self._proven:
                async with self._proving.setdefault(purpose, asyncio.Lock()):
                    if purpose not in self._proven:
                        try:
                            await publish()
                        except (exceptions.ChannelNotFoundEntity, exceptions.PublishError):
                            # No such exchange, or no queue behind it.
                            await self._make(*needed, unrouted_too=True)
                            await publish()
                        self._proven.add(purpose)
                        return
            try:
                await publish()
            except exceptions.AMQPError:
                self._proven.discard(purpose)
                raise

    async def _make(self, *needed: Exchange | Queue, unrouted_too: bool = False) -> None:
        """Declare what is not there yet; what is there stays as its operator made it.

        A queue that is there is bound all the same: its creator may have died before that. But for
        the one of all services, unless messages are seen to miss it.
        """
        from aiormq import exceptions  # noqa: PLC0415 - as above; aio-pika's protocol layer

        channel = await self._new_channel(confirms=False)
        for one in needed:
            bind = unrouted_too or one.name != UNROUTED
            try:
                await _declare(channel, one, passive=True)
            except exceptions.ChannelNotFoundEntity:
                channel = await self._new_channel(confirms=False)
                await _declare(channel, one, passive=False)
                bind = True
            if bind and isinstance(one, Queue):
                try:
                    await (await channel.get_underlay_channel()).queue_bind(
                        one.name, one.exchange, one.key
                    )
                except exceptions.ChannelAccessRefused:
                    # Not ours to bind: an operator made it, and bound it.
                    channel = await self._new_channel(confirms=False)
        await channel.close()

    async def _keep_consuming(self, consumer: RabbitConsumer) -> None:
        async def consume() -> None:
            await self._make(*needed_by(consumer.group, consumer.topic))
            await consumer.run(await self._new_channel(confirms=False))

        try:
            await keep_consuming(consume, self._up, self._log)
        finally:
            await consumer.finish()

    async def _park(self, consumer: RabbitConsumer, raw: Any, reason: str) -> None:
        await self._store_failed(
            DEAD_LETTER, consumer, raw, {REASON: reason[:500].replace("\n", " ")}
        )

    async def _retry(self, consumer: RabbitConsumer, raw: Any, attempts: int) -> None:
        await self._store_failed(RETRY, consumer, raw, {ATTEMPTS: attempts})

    async def _store_failed(
        self, place: str, consumer: RabbitConsumer, raw: Any, more: Mapping[str, Any]
    ) -> None:
        exchange, queue = failure_queue(place, consumer.group, consumer.topic)
        headers = {**_own(raw), **more}
        await self._store(
            queue.name, exchange, queue.key, raw.body, _id(raw), headers, (exchange, queue)
        )


async def _declare(channel: AbstractChannel, one: Exchange | Queue, *, passive: bool) -> None:
    underlay = await channel.get_underlay_channel()
    # Passive asks whether there is one of that name, whatever its arguments.
    arguments: dict[str, Any] | None = None if passive else dict(one.arguments)
    if isinstance(one, Queue):
        await underlay.queue_declare(
            one.name, passive=passive, durable=not passive, arguments=arguments
        )
    else:
        await underlay.exchange_declare(
            one.name,
            exchange_type=one.type,
            passive=passive,
            durable=not passive,
            arguments=arguments,
        )


def _id(raw: Any) -> str:
    return str(raw.header.properties.message_id or "")


def _own(raw: Any) -> dict[str, Any]:
    """Return a message's headers without what the broker has added."""
    headers = raw.header.properties.headers or {}
    return {name: value for name, value in headers.items() if not name.startswith("x-")}
