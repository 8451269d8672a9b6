"""One group's consumer on Kafka: hands messages out, settles them, writes down where it stands.

Made by `KafkaBus.consume`. Within a partition messages of different keys are handled beside each
other, one at a time of a key. What failed is put into a topic of the group's own, waits there and
is handed out again, without blocking later ones. Where the group stands is written before a
message is handed out and soon after it is settled, so the next owner knows what was in flight.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from tarmac_kit.background import end
from tarmac_kit.bus.in_flight import CLOSE_S, InFlight, payload_of, retry_after_s
from tarmac_kit.bus.kafka_stop import stop
from tarmac_kit.bus.offsets import Offsets
from tarmac_kit.logs import get_logger
from tarmac_kit.messages import Handler, Message, PoisonMessage

#: Headers of a record: the message's id, its own headers as one JSON object, and the kit's.
ID, HEADERS = "id", "headers"
ATTEMPTS = "Message-Attempts"
DEAD_LETTER, RETRY = "parked", "retry"

IN_FLIGHT = 64
#: How many failed messages wait in this process; the others wait on the broker.
WAITING = 500
#: How far the last message in flight may be from the first that is not handled.
SPREAD = 5000
#: How long one fetch waits for messages, and the settled ones to be written down together.
FETCH_S, COMMIT_S = 0.5, 0.02
#: Between two attempts to store a failed message.
UNSETTLED_S = 1.0
#: To write down where the group stands and to leave it; and to give up a broker that is away.
STOP_S, AWAY_S = 3.0, 0.5
#: After this silence a consumer counts as dead and is replaced; brokers allow no less than 6 s.
SESSION_MS, HEARTBEAT_MS = 6000, 1500

#: Stores a failed record: place, group, topic, record, attempts or reason.
StoreFailed = Callable[[str, str, str, Any, int | str], Awaitable[None]]


def failure_topic(place: str, group: str, topic: str) -> str:
    """Name the topic for what a group could not handle; `place` is RETRY or DEAD_LETTER."""
    return f"{place}.{group}.{topic}"


class KafkaConsumer:
    """A group and the messages of its topics in flight."""

    def __init__(
        self,
        group: str,
        connection: dict[str, Any],
        make: Callable[[tuple[str, ...]], Awaitable[bool]],
        store_failed: StoreFailed,
        is_there: Callable[[], bool],
    ) -> None:
        """Take what a client needs to connect, and what its bus does for it.

        Args:
            connection: the arguments of the client.
            make: makes topics.
            store_failed: stores a record in another topic.
            is_there: tells whether the broker can be reached.
        """
        self.group = group
        self._connection = connection
        self._make = make
        self._store_failed = store_failed
        self._is_there = is_there
        self._handlers: dict[str, Handler] = {}
        self._in_flight: dict[str, InFlight] = {}
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._consumer: Any = None
        #: By partition of topics that this process has now; others' are not touched.
        self._parts: dict[Any, Offsets] = {}
        #: What is handled now, by partition, also of partitions given away.
        self._handling: defaultdict[Any, set[int]] = defaultdict(set)
        self._waiting: set[asyncio.Task[None]] = set()
        #: Counts the times that partitions were given to this process or taken from it.
        self._turn = 0
        self._changed = asyncio.Event()
        self._dirty: set[Any] = set()
        self._to_write = asyncio.Event()
        self._writing = asyncio.Lock()
        self._lost = asyncio.Event()
        #: Why it does not know where its group stands.
        self._failure: Exception | None = None
        self._log = get_logger("kafka")

    def add(self, topic: str, handler: Handler) -> None:
        """Take one more topic; a running group restarts with all of them."""
        self._handlers[topic] = handler
        self._in_flight[topic] = InFlight(self._changed.set)
        self._slots[topic] = asyncio.Semaphore(IN_FLIGHT)
        self.interrupt()

    def interrupt(self) -> None:
        """Let `run` return: the connection is lost, or there is a topic more."""
        self._lost.set()

    @property
    def runs(self) -> bool:
        """Tell whether it has a consumer now."""
        return self._consumer is not None

    @property
    def topics(self) -> tuple[str, ...]:
        """All topics that the group needs, its own among them."""
        own = (
            failure_topic(place, self.group, topic)
            for place in (RETRY, DEAD_LETTER)
            for topic in self._handlers
        )
        return (*self._handlers, *own)

    async def run(self) -> None:
        """Take messages until interrupted; raises what the client cannot get over."""
        from aiokafka import AIOKafkaConsumer  # noqa: PLC0415 - the client is imported when used

        self._lost.clear()
        self._failure = None
        topics = tuple(self._handlers)
        again = [failure_topic(RETRY, self.group, topic) for topic in topics]
        await self._make(self.topics)
        consumer = self._consumer = AIOKafkaConsumer(
            **self._connection,
            group_id=self.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            # Longer than it takes to let go of partitions; a member that joined and died before it
            # had any holds up the others for so long.
            rebalance_timeout_ms=10_000,
            # A handler may take as long as it needs: the heartbeat says that this process lives.
            max_poll_interval_ms=86_400_000,
            fetch_max_wait_ms=int(FETCH_S * 1000),
        )
        consumer.subscribe([*topics, *again], listener=_listener(self))
        starting = asyncio.create_task(consumer.start())
        going = asyncio.create_task(self._go(consumer, topics, starting))
        lost = asyncio.create_task(self._lost.wait())
        closing = True
        try:
            await asyncio.wait({going, lost}, return_when=asyncio.FIRST_COMPLETED)
            closing = False
            if going.done():
                going.result()
            if self._failure is not None:
                raise self._failure
        finally:
            if self._is_there():
                # A member that is about to join has to leave, too.
                await asyncio.wait({starting}, timeout=STOP_S)
            await end(going, lost, starting)
            for task in self._waiting:
                task.cancel()
            if closing:
                # What is handled now can be written down now.
                await asyncio.gather(*(hand.finish() for hand in self._in_flight.values()))
            if self._is_there():
                await self._write_in_time()
            self._forget()
            within_s = STOP_S if self._is_there() else AWAY_S
            await stop(consumer, consumer._client, within_s)  # noqa: SLF001 - has no other name
            self._consumer = None

    async def _go(
        self, consumer: Any, topics: tuple[str, ...], starting: asyncio.Task[None]
    ) -> None:
        await asyncio.shield(starting)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._write_soon())
                tasks.create_task(_hear_of_errors(consumer))
                for topic in topics:
                    tasks.create_task(self._read(consumer, topic))
                    tasks.create_task(self._read_again(consumer, topic))
        except ExceptionGroup as group:
            raise group.exceptions[0] from None

    async def _read(self, consumer: Any, topic: str) -> None:
        """Hand out what comes, up to the limit in flight."""
        hand = self._in_flight[topic]
        while True:
            records = await self._fetch(consumer, topic, lambda: IN_FLIGHT - len(hand))
            turn = self._turn
            attempts = [self._parts[part].begin(record.offset) for part, record in records]
            # Before anything is done with them: the next owner must know of this delivery.
            await self._write()
            if turn == self._turn:
                for (part, record), attempt in zip(records, attempts, strict=True):
                    self._begin(topic, part, record, attempt)

    async def _read_again(self, consumer: Any, topic: str) -> None:
        """Hold failed messages here, each for its own delay."""
        source = failure_topic(RETRY, self.group, topic)
        waiting: set[asyncio.Task[None]] = set()

        def ended(task: asyncio.Task[None]) -> None:
            waiting.discard(task)
            self._waiting.discard(task)
            self._changed.set()

        while True:
            for part, record in await self._fetch(consumer, source, lambda: WAITING - len(waiting)):
                task = asyncio.create_task(self._wait(topic, part, record))
                waiting.add(task)
                self._waiting.add(task)
                task.add_done_callback(ended)

    async def _fetch(
        self, consumer: Any, source: str, room: Callable[[], int]
    ) -> list[tuple[Any, Any]]:
        """Return records that are to be handled, with their partitions; waits for them."""
        while True:
            self._changed.clear()
            parts = [
                part
                for part, offsets in self._parts.items()
                if part.topic == source and offsets.spread < SPREAD
            ]
            if not parts or (free := room()) <= 0:
                await self._changed.wait()
                continue
            found = await consumer.getmany(*parts, timeout_ms=int(FETCH_S * 1000), max_records=free)
            records = []
            for part, fetched in found.items():
                if (offsets := self._parts.get(part)) is None:
                    # It is not known yet where the group stands there.
                    with contextlib.suppress(Exception):
                        consumer.seek(part, fetched[0].offset)
                    continue
                records += [(part, record) for record in fetched if offsets.take(record.offset)]
                self._dirty.add(part)
            if records:
                return records
            self._to_write.set()

    async def _wait(self, topic: str, part: Any, record: Any) -> None:
        attempts = _attempts(record)
        delay_s = retry_after_s(max(1, attempts))
        since_s = max(0.0, time.time() - record.timestamp / 1000)
        await asyncio.sleep(max(0.0, delay_s - since_s))
        if (offsets := self._parts.get(part)) is not None:
            turn = self._turn
            attempt = attempts + offsets.begin(record.offset)
            self._dirty.add(part)
            await self._write()
            if turn == self._turn:
                self._begin(topic, part, record, attempt)

    def _begin(self, topic: str, part: Any, record: Any, attempt: int) -> None:
        self._handling[part].add(record.offset)
        key = (record.key or b"").decode("utf-8", "replace")
        self._in_flight[topic].begin(
            key, lambda previous: self._settle(topic, part, record, attempt, previous)
        )

    async def _settle(
        self,
        topic: str,
        part: Any,
        record: Any,
        attempt: int,
        previous: asyncio.Task[None] | None,
    ) -> None:
        """Handle one delivery; what failed has its copy on the broker before it counts as done."""
        try:
            if previous is not None:
                await asyncio.wait({previous})
            failure: Exception | None = None
            async with self._slots[topic]:
                try:
                    await self._handlers[topic](_message(topic, record, attempt))
                except Exception as error:  # noqa: BLE001 - whatever it is, it was not handled
                    failure = error
            if isinstance(failure, PoisonMessage):
                await self._move(DEAD_LETTER, topic, record, str(failure))
            elif failure is not None:
                await self._move(RETRY, topic, record, attempt)
        finally:
            self._handling[part].discard(record.offset)
        if (offsets := self._parts.get(part)) is not None:
            offsets.finish(record.offset)
            self._dirty.add(part)
            self._to_write.set()

    async def _move(self, place: str, topic: str, record: Any, why: int | str) -> None:
        while True:
            try:
                await self._store_failed(place, self.group, topic, record, why)
            except Exception as error:  # noqa: BLE001 - the client has many
                self._log.warning(
                    "could not settle a message; retrying", topic=topic, error=repr(error)
                )
                await asyncio.sleep(UNSETTLED_S)
            else:
                return

    async def given(self, partitions: set[Any]) -> None:
        """Begin with partitions, where the group stands there. The client calls it."""
        try:
            # The client's own question leaves out what is written beside the number.
            coordinator = self._consumer._coordinator  # noqa: SLF001
            stands = await coordinator.fetch_committed_offsets(list(partitions))
        except Exception as error:
            self._failure = error
            self.interrupt()
            raise
        self._turn += 1
        for part in partitions:
            known = stands.get(part)
            first, note = (known.offset, known.metadata) if known is not None else (0, "")
            self._parts[part] = Offsets(max(0, first), note or "", self._handling[part])
        self._changed.set()

    async def taken(self) -> None:
        """Let go of all partitions: what is handled ends first, if it can. The client calls it."""
        self._turn += 1
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*(hand.wait(CLOSE_S) for hand in self._in_flight.values()))
        await self._write_in_time()
        self._forget()

    def _forget(self) -> None:
        self._turn += 1
        for task in self._waiting:
            task.cancel()
        self._parts.clear()
        self._dirty.clear()
        self._changed.set()

    async def _write_soon(self) -> None:
        while True:
            await self._to_write.wait()
            self._to_write.clear()
            await asyncio.sleep(COMMIT_S)
            await self._write()

    async def _write_in_time(self) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(STOP_S):
                await self._write()

    async def _write(self) -> None:
        """Write down where the group stands, wherever that changed; one at a time."""
        from aiokafka import OffsetAndMetadata  # noqa: PLC0415 - as above
        from aiokafka.errors import CommitFailedError, IllegalStateError  # noqa: PLC0415 - as above

        turn = self._turn
        async with self._writing:
            parts = {part: self._parts[part] for part in self._dirty if part in self._parts}
            self._dirty.clear()
            if not parts:
                return
            try:
                await self._consumer.commit(
                    {part: OffsetAndMetadata(o.first, o.note()) for part, o in parts.items()}
                )
            except asyncio.CancelledError:
                self._dirty.update(parts)
                raise
            except (CommitFailedError, IllegalStateError):
                # Others have these partitions by now, or are about to get them.
                while turn == self._turn and not self._lost.is_set():  # noqa: ASYNC110 - the client's
                    await asyncio.sleep(COMMIT_S)


def _listener(consumer: KafkaConsumer) -> Any:
    from aiokafka import ConsumerRebalanceListener  # noqa: PLC0415 - as above

    class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
        async def on_partitions_revoked(self, revoked: set[Any]) -> None:
            if revoked:
                await consumer.taken()

        async def on_partitions_assigned(self, assigned: set[Any]) -> None:
            await consumer.given(assigned)

    return Listener()


async def _hear_of_errors(consumer: Any) -> None:
    """Raise what the client cannot get over.

    The client raises it only to a fetch, does nothing before the first one, and a consumer without
    a partition never fetches.
    """
    from aiokafka import TopicPartition  # noqa: PLC0415 - as above

    while True:
        await consumer.getmany(TopicPartition("", 0), timeout_ms=0)
        await asyncio.sleep(FETCH_S)


def _message(topic: str, record: Any, attempt: int) -> Message:
    headers = dict(record.headers)
    message_id = headers.get(ID, b"").decode("utf-8", "replace")
    payload = payload_of(record.value or b"", message_id)
    try:
        own = json.loads(headers.get(HEADERS) or b"{}")
    except ValueError:
        own = {}
    return Message(
        id=message_id,
        topic=topic,
        key=(record.key or b"").decode("utf-8", "replace"),
        payload=payload,
        headers={str(name): str(value) for name, value in own.items()}
        if isinstance(own, dict)
        else {},
        attempt=attempt,
    )


def _attempts(record: Any) -> int:
    count = dict(record.headers).get(ATTEMPTS, b"")
    return int(count) if count.isdigit() else 0
