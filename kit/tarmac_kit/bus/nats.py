"""The Bus on NATS JetStream: file streams, durable pull consumers, de-duplication by message id.

Made by `make_bus` for nats:// URLs. One stream per first token of a topic ("order" holds
"order.>"), created by the first to connect. It stays connected through any number of restarts of
the broker; delivery is at least once.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import nats.errors
from nats.aio.client import Client as Connection
from nats.js import JetStreamContext
from nats.js.api import StorageType, StreamConfig
from nats.js.errors import APIError, NoStreamResponseError

from tarmac_kit.background import raise_if_cancelled
from tarmac_kit.bus.keeping import PAUSE_S, BusTasks, keep_consuming
from tarmac_kit.bus.nats_consumer import ACK_WAIT_S, KEY, MSG_ID, NatsConsumer
from tarmac_kit.jsons import dumps
from tarmac_kit.messages import Handler, Message

REASON = "Parked-Reason"

PUBLISH_S = 2.0
#: Messages that are not consumed in this time are dropped, so that a disk cannot fill up.
MAX_AGE_S = 7 * 86_400.0
#: The server's answer to a stream that exists with other settings: an operator's, and kept.
_STREAM_DIFFERS = 10058


#: JetStream's answer to a health question; in less than the second that a check may take.
STATUS = "$JS.API.INFO"
PING_S = 0.9


class NatsBus:
    """One connection to a NATS server with JetStream."""

    def __init__(self, url: str, *, name: str, ack_wait_s: float = ACK_WAIT_S) -> None:
        """Take the URL; a message without a sign of life for `ack_wait_s` comes again."""
        self._ack_wait_s = ack_wait_s
        self._url = url
        self._name = name
        self._nc: Connection | None = None
        self._streams: set[str] = set()
        self._consumers: list[NatsConsumer] = []
        self._up = asyncio.Event()
        self._tasks = BusTasks("nats")
        self._log = self._tasks.log

    @property
    def connected(self) -> bool:
        """Return whether the broker can be reached now."""
        return self._nc is not None and self._nc.is_connected

    async def ping(self) -> None:
        """Return once JetStream has answered; raises when it does not.

        A request, not the client's own PING: that one breaks the connection when its answer comes
        after the time limit, as from a server that was frozen.
        """
        if self._nc is None or not self._nc.is_connected:
            raise ConnectionError("not connected")
        await self._nc.request(STATUS, timeout=PING_S)

    async def open(self) -> None:
        """Begin to connect and stay connected; returns at once."""
        self._tasks.keep(self._keep_connected)

    async def close(self) -> None:
        """Stop the consumers, give handlers in flight some seconds, disconnect."""
        await self._tasks.end()
        if self._nc is not None:
            with contextlib.suppress(Exception):
                if self._nc.is_connected:
                    # Acknowledgements of the last handlers must be out before the end.
                    await self._nc.flush(timeout=1)
                await self._nc.close()
            self._nc = None

    async def publish(self, message: Message) -> None:
        """Store the message in its stream; raises when it is not known to be stored."""
        headers = {**message.headers, MSG_ID: message.id, KEY: message.key}
        await self._store(message.topic, dumps(message.payload).encode(), headers)

    async def consume(self, topics: tuple[str, ...], group: str, handler: Handler) -> None:
        """Begin to hand messages to `handler`, up to 64 at once, one at a time per key."""
        for topic in topics:
            consumer = NatsConsumer(topic, group, handler, self._park, self._ack_wait_s)
            self._consumers.append(consumer)
            self._tasks.consume(topic, self._keep_consuming(consumer, topic))

    async def _keep_connected(self) -> None:
        """Connect; when the client gives up for good (bad credentials), begin again."""
        while True:
            raise_if_cancelled()
            ended = asyncio.Event()
            nc = Connection()
            try:
                await nc.connect(
                    servers=self._url,
                    name=self._name,
                    inbox_prefix=inbox_of(self._url),
                    allow_reconnect=True,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=0.25,  # type: ignore[arg-type]
                    connect_timeout=2,
                    ping_interval=10,
                    error_cb=self._on_client_error,
                    disconnected_cb=self._on_disconnect,
                    reconnected_cb=self._on_connect,
                    closed_cb=_setter(ended),
                )
                self._nc = nc
                await self._on_connect()
                raise_if_cancelled()
                await ended.wait()
            except (OSError, nats.errors.Error, TimeoutError) as error:
                self._log.failed(error)
            finally:
                self._up.clear()
                if self._nc is not nc:
                    with contextlib.suppress(Exception):
                        await nc.close()
            await asyncio.sleep(1.0)

    async def _on_connect(self) -> None:
        # The server may have come back with an empty disk: streams are made sure of again.
        self._streams.clear()
        self._up.set()
        self._log.connected()

    async def _on_disconnect(self) -> None:
        if self._up.is_set():
            self._log.lost()
        self._up.clear()
        for consumer in self._consumers:
            consumer.interrupt("the connection was lost")

    async def _on_client_error(self, error: Exception) -> None:
        """Close the connection of a try that failed: the client leaves it open, and tries again."""
        if self._nc is not None and not self._nc.is_connected:
            transport = self._nc._transport  # noqa: SLF001 - has no other name
            if transport is not None:
                transport.close()  # type: ignore[no-untyped-call]
        self._log.failed(error)

    def _connection(self) -> Connection:
        if self._nc is None or not self._nc.is_connected:
            raise ConnectionError("the broker is not connected")
        return self._nc

    async def _store(self, subject: str, body: bytes, headers: dict[str, str]) -> None:
        jetstream = self._connection().jetstream(timeout=PUBLISH_S)
        await self._ensure_stream(jetstream, subject)
        try:
            await jetstream.publish(subject, body, timeout=PUBLISH_S, headers=headers)
        except NoStreamResponseError:
            self._streams.clear()
            raise

    async def _ensure_stream(self, jetstream: JetStreamContext, subject: str) -> str:
        stream = subject.split(".", 1)[0]
        if stream not in self._streams:
            config = StreamConfig(
                name=stream,
                subjects=[f"{stream}.>"],
                storage=StorageType.FILE,
                max_age=MAX_AGE_S,
                duplicate_window=120.0,
            )
            try:
                await jetstream.add_stream(config)
            except APIError as error:
                if error.err_code != _STREAM_DIFFERS:
                    raise
            self._streams.add(stream)
        return stream

    async def _keep_consuming(self, consumer: NatsConsumer, topic: str) -> None:
        async def consume() -> None:
            nc = self._connection()
            stream = await self._ensure_stream(nc.jetstream(timeout=PUBLISH_S), topic)
            await consumer.run(nc, stream)

        try:
            # JetStream comes up a moment after its server does.
            await keep_consuming(consume, self._up, self._log, longest_pause_s=PAUSE_S)
        finally:
            await consumer.finish()

    async def _park(self, group: str, raw: Any, reason: str) -> None:
        headers = {**(raw.headers or {}), REASON: reason[:500].replace("\n", " ")}
        # Its own id for de-duplication: the same message may be dead-lettered by two groups.
        headers[MSG_ID] = f"{group}:{headers.get(MSG_ID, '')}"
        await self._store(f"parked.{group}.{raw.subject}", raw.data, headers)


def inbox_of(url: str) -> str:
    """Return where answers come to: an inbox of the URL's user, which may be hidden from others.

    The usual one for a URL without a user (a lone name is a token, a secret), or whose name cannot
    be part of a subject.
    """
    parts = urlsplit(url)
    user = unquote(parts.username or "")
    named = parts.password is not None and re.fullmatch(r"[\w-]+", user, re.ASCII)
    return f"_INBOX.{user}" if named else "_INBOX"


def _setter(event: asyncio.Event) -> Callable[[], Awaitable[None]]:
    async def set_event() -> None:
        event.set()

    return set_event
