"""One group's consumer on Kafka: hands messages out, settles them, writes down where it stands.

Made by `KafkaBus.consume`. Within a partition messages of different keys are handled beside each
other, one at a time of a key. What failed is put into a topic of the group's own, waits in hand and
is handed out again: nothing behind it waits for it. Where the group stands is written before a
message is handed out and soon after it is settled, so whoever takes over knows what was in hand.
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
from tarmac_kit.bus.inhand import CLOSE_S, InHand, payload_of, retry_after_s
from tarmac_kit.bus.offsets import Offsets
from tarmac_kit.logs import get_logger
from tarmac_kit.messages import Handler, Message, PoisonMessage

#: Headers of a record: the message's id, its own headers as one JSON object, and the kit's.
ID, HEADERS = "id", "headers"
ATTEMPTS = "Message-Attempts"
PARKED, RETRY = "parked", "retry"

IN_FLIGHT = 64
#: How many that failed wait in hand; the others wait their turn on the broker.
WAITING = 500
#: How far the last message in hand may be from the first that is not handled.
SPREAD = 5000
#: How long one fetch waits for messages, and the settled ones to be written down together.
FETCH_S, COMMIT_S = 0.5, 0.02
#: Between two tries to put a failed message aside.
UNSETTLED_S = 1.0
#: To write down where the group stands and to leave it; and to give up a broker that is away.
STOP_S, AWAY_S = 3.0, 0.5
#: Who is silent for so long is dead, and another gets what it had; brokers allow no less than six.
SESSION_MS, HEARTBEAT_MS = 6000, 1500

#: Puts a record aside: place, group, topic, record, attempts or reason.
PutAside = Callable[[str, str, str, Any, int | str], Awaitable[None]]


def aside(place: str, group: str, topic: str) -> str:
    """Name the topic where a group puts what it could not handle; `place` is RETRY or PARKED."""
    return f"{place}.{group}.{topic}"


class Follower:
    """A group and the messages of its topics that are in hand."""

    def __init__(
        self,
        group: str,
        connection: dict[str, Any],
        make: Callable[[tuple[str, ...]], Awaitable[bool]],
        put_aside: PutAside,
        is_there: Callable[[], bool],
    ) -> None:
        """Take what a client needs to connect, and what its bus does for it.

        Args:
            connection: the arguments of the client.
            make: makes topics.
            put_aside: stores a record in another topic.
            is_there: tells whether the broker can be reached.
        """
        self.group = group
        self._connection = connection
        self._make = make
        self._put_aside = put_aside
        self._is_there = is_there
        self._handlers: dict[str, Handler] = {}
        self._in_hand: dict[str, InHand] = {}
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._consumer: Any = None
        #: By partition of topics that this process has now; others' are not touched.
        self._parts: dict[Any, Offsets] = {}
        #: What is handled now, by partition, whoever has that.
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
        """Take one more topic; the group begins anew with all of them if it runs."""
        self._handlers[topic] = handler
        self._in_hand[topic] = InHand(self._changed.set)
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
            aside(place, self.group, topic) for place in (RETRY, PARKED) for topic in self._handlers
        )
        return (*self._handlers, *own)

    async def run(self) -> None:
        """Take messages until interrupted; raises what the client cannot get over."""
        from aiokafka import AIOKafkaConsumer  # noqa: PLC0415 - the client is imported when used

        self._lost.clear()
        self._failure = None
        topics = tuple(self._handlers)
        again = [aside(RETRY, self.group, topic) for topic in topics]
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
                # Who is about to join has to leave, too.
                await asyncio.wait({starting}, timeout=STOP_S)
            await end(going, lost, starting)
            for task in self._waiting:
                task.cancel()
            if closing:
                # What is handled now can be written down now.
                await asyncio.gather(*(hand.finish() for hand in self._in_hand.values()))
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
        """Hand out what comes, as many at once as may be in hand."""
        hand = self._in_hand[topic]
        while True:
            records = await self._fetch(consumer, topic, lambda: IN_FLIGHT - len(hand))
            turn = self._turn
            attempts = [self._parts[part].begin(record.offset) for part, record in records]
            # Before anything is done with them: whoever finds them not handled knows of this time.
            await self._write()
            if turn == self._turn:
                for (part, record), attempt in zip(records, attempts, strict=True):
                    self._begin(topic, part, record, attempt)

    async def _read_again(self, consumer: Any, topic: str) -> None:
        """Have what failed wait in hand, each for its own time."""
        source = aside(RETRY, self.group, topic)
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
                records += [(part, each) for each in fetched if offsets.take(each.offset)]
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
        self._in_hand[topic].begin(
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
                await self._aside(PARKED, topic, record, str(failure))
            elif failure is not None:
                await self._aside(RETRY, topic, record, attempt)
        finally:
            self._handling[part].discard(record.offset)
        if (offsets := self._parts.get(part)) is not None:
            offsets.finish(record.offset)
            self._dirty.add(part)
            self._to_write.set()

    async def _aside(self, place: str, topic: str, record: Any, why: int | str) -> None:
        while True:
            try:
                await self._put_aside(place, self.group, topic, record, why)
            except Exception as error:  # noqa: BLE001 - the client has many
                self._log.warning(
                    "could not settle a message; it is tried again", topic=topic, error=repr(error)
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
        await asyncio.gather(*(hand.wait(CLOSE_S) for hand in self._in_hand.values()))
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


def _listener(follower: Follower) -> Any:
    from aiokafka import ConsumerRebalanceListener  # noqa: PLC0415 - as above

    class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
        async def on_partitions_revoked(self, revoked: set[Any]) -> None:
            if revoked:
                await follower.taken()

        async def on_partitions_assigned(self, assigned: set[Any]) -> None:
            await follower.given(assigned)

    return Listener()


async def _hear_of_errors(consumer: Any) -> None:
    """Raise what the client cannot get over.

    It tells only who asks for messages, does nothing until somebody has asked, and nobody asks who
    has no partition.
    """
    from aiokafka import TopicPartition  # noqa: PLC0415 - as above

    while True:
        await consumer.getmany(TopicPartition("", 0), timeout_ms=0)
        await asyncio.sleep(FETCH_S)


async def stop(one: Any, client: Any, within_s: float) -> None:
    """Stop a producer or consumer properly; if the broker is away, only close its connections.

    Args:
        one: what was not stored by then was not confirmed to anybody; a group is left.
        client: its connections.
    """
    try:
        async with asyncio.timeout(within_s):
            await one.stop()
    except Exception:  # noqa: BLE001 - it is given up in any case
        with contextlib.suppress(Exception):
            async with asyncio.timeout(AWAY_S):
                await client.close()


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
