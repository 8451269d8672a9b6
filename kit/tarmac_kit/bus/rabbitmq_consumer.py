"""One consumer of a group's queue on RabbitMQ: hands messages out, settles them.

Made by `RabbitBus.consume`. A message is acknowledged when its handler is done and, if it failed,
when the broker has confirmed the stored copy: after a crash in between, one of them is
left, and at worst both. What failed waits in the hand of a consumer of its own, so that it takes no
place from what is new; if this process ends meanwhile the broker has it still.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from tarmac_kit.bus.in_flight import InFlight, payload_of, retry_after_s
from tarmac_kit.bus.queues import RETRY, failure_queue, queue_of
from tarmac_kit.logs import get_logger
from tarmac_kit.messages import Handler, Message, PoisonMessage

if TYPE_CHECKING:
    from aio_pika.abc import AbstractChannel

KEY = "Message-Key"
#: The deliveries of a message before it was stored for retry.
ATTEMPTS = "Message-Attempts"

PREFETCH = 64
#: How many failed messages wait in this process; the others wait on the broker.
WAITING = 1000
#: How long a message that cannot be stored stays in flight.
UNSETTLED_S = 5.0

DeadLetterCopy = Callable[["RabbitConsumer", Any, str], Awaitable[None]]
RetryCopy = Callable[["RabbitConsumer", Any, int], Awaitable[None]]


class RabbitConsumer:
    """A group's queue of one topic and the messages of it in flight."""

    def __init__(
        self,
        topic: str,
        group: str,
        handler: Handler,
        park: DeadLetterCopy,
        retry: RetryCopy,
        prefetch: int,
    ) -> None:
        self.topic = topic
        self.group = group
        self._handler = handler
        self._park = park
        self._retry = retry
        self._prefetch = prefetch
        self._slots = asyncio.Semaphore(prefetch)
        self._in_flight = InFlight()
        self._waiting: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()

    async def run(self, channel: AbstractChannel) -> None:
        """Take messages until the channel or the queue is gone; then return or raise."""
        self._over.clear()
        underlay = await channel.get_underlay_channel()
        underlay.on_consumer_cancel_callbacks.add(self._cancelled)
        channel.close_callbacks.add(self._closed)
        tags: list[str] = []
        starting = asyncio.create_task(self._start(underlay, tags))
        try:
            # Not cut off in the middle: the client would end the channel, with messages in flight.
            await asyncio.shield(starting)
            await self._over.wait()
        except asyncio.CancelledError:
            await asyncio.wait({starting}, timeout=1)
            for tag in tags:
                with contextlib.suppress(Exception):
                    await underlay.basic_cancel(tag, timeout=1)
            # Before the channel ends: what is handled now can be acknowledged now.
            await self.finish()
            raise
        finally:
            # The broker hands out again what only waited.
            for task in (starting, *self._waiting):
                task.cancel()
            with contextlib.suppress(Exception):
                async with asyncio.timeout(1):
                    await channel.close()

    async def _start(self, channel: Any, tags: list[str]) -> None:
        failed = failure_queue(RETRY, self.group, self.topic)[1]
        # A limit is for the consumer that follows it.
        for queue, taken, limit in (
            (failed, self._failed, WAITING),
            (queue_of(self.group, self.topic), self._arrived, self._prefetch),
        ):
            await channel.basic_qos(prefetch_count=limit)
            tags.append((await channel.basic_consume(queue.name, taken)).consumer_tag)

    def interrupt(self) -> None:
        """Let `run` return: the connection is lost."""
        self._over.set()

    async def finish(self) -> None:
        """Wait for the handlers in flight; messages of cancelled ones are redelivered."""
        await self._in_flight.finish()

    def _cancelled(self, _frame: Any) -> None:
        # The queue was deleted: it is declared again.
        self._over.set()

    def _closed(self, _channel: Any, _error: Any) -> None:
        self._over.set()

    async def _arrived(self, raw: Any) -> None:
        """Begin to handle a message, in a task of our own: the client cancels its own."""
        key = str(_headers(raw).get(KEY, ""))
        self._in_flight.begin(key, lambda previous: self._settle(raw, previous))

    async def _failed(self, raw: Any) -> None:
        task = asyncio.create_task(self._wait(raw))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _wait(self, raw: Any) -> None:
        await asyncio.sleep(retry_after_s(_attempts(raw)))
        await self._arrived(raw)

    async def _settle(self, raw: Any, previous: asyncio.Task[None] | None) -> None:
        """Handle one delivery and tell the broker; a broker that is away delivers it again."""
        if previous is not None:
            await asyncio.wait({previous})
        # A redelivery without a stored copy was in flight in a process that died.
        attempt = _attempts(raw) + 1 + bool(raw.delivery.redelivered)
        failure: Exception | None = None
        async with self._slots:
            try:
                await self._handle(raw, attempt)
            except Exception as error:  # noqa: BLE001 - whatever it is, it was not handled
                failure = error
        tag = raw.delivery.delivery_tag
        try:
            if isinstance(failure, PoisonMessage):
                await self._park(self, raw, str(failure))
            elif failure is not None:
                await self._retry(self, raw, attempt)
            await raw.channel.basic_ack(tag, wait=False)
        except Exception as error:  # noqa: BLE001 - the client has many; it comes again after each
            get_logger("rabbitmq").warning(
                "could not settle a message; it will be redelivered",
                topic=self.topic,
                error=repr(error),
            )
            if not raw.channel.is_closed:
                await asyncio.sleep(UNSETTLED_S)
                with contextlib.suppress(Exception):
                    await raw.channel.basic_nack(tag, wait=False)

    async def _handle(self, raw: Any, attempt: int) -> None:
        properties = raw.header.properties
        headers = {
            name: str(value)
            for name, value in _headers(raw).items()
            if name != ATTEMPTS and not name.startswith("x-")
        }
        payload = payload_of(raw.body, properties.message_id)
        await self._handler(
            Message(
                id=properties.message_id,
                topic=self.topic,
                key=headers.pop(KEY, ""),
                payload=payload,
                headers=headers,
                attempt=attempt,
            )
        )


def _headers(raw: Any) -> dict[str, Any]:
    return raw.header.properties.headers or {}


def _attempts(raw: Any) -> int:
    count = _headers(raw).get(ATTEMPTS, 0)
    return count if isinstance(count, int) else 0
