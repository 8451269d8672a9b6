"""Capture: one of its replicas reads the slot and publishes; what is published is confirmed.

Run in the background by the app. At least once: a transaction's place in the log is confirmed when
the broker has stored all of it, so after a crash the whole of it comes again. It writes no table.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from tarmac_capture import stream as streams
from tarmac_capture.pgoutput import Begin, Commit, ProtocolError, Relation, RowChange, decode
from tarmac_capture.records import (
    BadRecord,
    CapturedTable,
    CaptureSource,
    TransactionInfo,
    change_messages,
    outbox_message,
    snapshot_message,
    table_of,
)
from tarmac_capture.repository import CaptureRepository, Slot, SlotOfAnother, refusals
from tarmac_capture.stream import SlotInUse, Stream, StreamLost
from tarmac_capture.values import UnsupportedType
from tarmac_kit import Bus, Message, get_logger
from tarmac_kit.capture_names import slot_of
from tarmac_kit.database import connection_errors

if TYPE_CHECKING:
    from tarmac_kit.database import Connection

#: Messages of the stream that are read at once, and messages to the broker that are in flight.
AT_ONCE = 512
#: How often a replica looks at the slot, and one that does not lead whether it may.
LOOK_S = 0.5
#: How long it stands still before it tries again what cannot be captured.
STUCK_S = 2.0
LONGEST_PAUSE_S = 2.0


class NotBound(Exception):
    """An event's topic is not among those that this service may publish."""


class Meters(Protocol):
    """Where the service counts."""

    def published(self, topic: str) -> None:
        """Count one message that the broker has stored."""

    def behind(self, size_bytes: int) -> None:
        """Set how much of the log was not confirmed yet."""

    def took(self, seconds: float) -> None:
        """Count a transaction, by the time from its commit until all of it was stored."""

    def began(self) -> None:
        """Count a slot that was made, and the tables read for it."""


class Capture:
    """Reads one database's slot. `doing`, `stuck` and `slot` say how it stands."""

    def __init__(
        self,
        repository: CaptureRepository,
        bus: Bus,
        meters: Meters,
        *,
        publishes: Collection[str],
        publications: Sequence[str],
        outbox: str = "outbox",
        slot: str = "",
        prefix: str = "",
        snapshot: bool = True,
    ) -> None:
        self._repository = repository
        self._bus = bus
        self._meters = meters
        self._publishes = frozenset(publishes)
        self._publications = tuple(publications)
        self._outbox = outbox
        self._slot = slot
        self._prefix = prefix
        self._snapshot = snapshot
        self._log = get_logger("capture")
        self._logged_at = 0.0
        #: One statement at a time on the connection that leads.
        self._asking = asyncio.Lock()
        #: What is said of it while all is well.
        self.doing = ""
        self.slot: Slot | None = None
        #: Why nothing moves; empty while all is well.
        self.stuck = "still opening"

    async def ready(self) -> str:
        """Return how far it is; raises RuntimeError while nothing can be captured."""
        if self.stuck:
            raise RuntimeError(self.stuck)
        behind = self.slot.behind if self.slot is not None else 0
        return f"{self.doing}, {behind} bytes behind"

    async def run(self) -> None:
        """Capture until cancelled; the database and the broker may go and come back meanwhile."""
        away: tuple[type[Exception], ...] = (StreamLost, *connection_errors(), *refusals())
        while True:
            try:
                async with self._repository.connect() as conn:
                    await self._with(conn)
            except* away as errors:
                self._stand_still(f"the log cannot be read: {_first(errors)}", warn=True)
                await asyncio.sleep(LOOK_S)
            except* (BadRecord, UnsupportedType, NotBound, SlotOfAnother, ProtocolError) as errors:
                self._stand_still(str(_first(errors)), warn=True)
                await asyncio.sleep(STUCK_S)

    async def _with(self, conn: Connection) -> None:
        """Lead on one connection, or wait until this replica may."""
        database = await self._repository.database_name(conn)
        name = self._slot or slot_of(database)
        while not await self._repository.lead(conn, name):
            await self._look(conn, name)
            self._go_on("another replica leads")
            await asyncio.sleep(LOOK_S)
        while not (there := await self._repository.publications(conn, self._publications)):
            self._stand_still(
                f"{database}: no publication {' or '.join(self._publications)}; "
                "set OUTBOX_RELAY=capture in the env of the service that writes the tables"
            )
            await asyncio.sleep(LOOK_S)
        place = CaptureSource(database, self._prefix or database)
        slot = await self._look(conn, name)
        if slot is not None and slot.lost:
            self._log.warning("the slot has lost its place; the tables are read again", slot=name)
            await self._repository.drop_slot(conn, name)
            slot = None
        if slot is None:
            await self._begin(conn, name, there, place)
        stream = await self._open(conn, name, there)
        try:
            self._go_on("leads")
            self._log.info("capture leads", slot=name, publications=list(there))
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch(conn, name, there))
                group.create_task(self._pump(conn, stream, place))
        finally:
            await stream.close()

    async def _look(self, conn: Connection, name: str) -> Slot | None:
        async with self._asking:
            self.slot = await self._repository.slot(conn, name)
        if self.slot is not None:
            self._meters.behind(self.slot.behind)
        return self.slot

    async def _watch(self, conn: Connection, name: str, publications: Sequence[str]) -> None:
        """Look at the slot while it is read; raise when the lead or the slot is gone."""
        while True:
            await asyncio.sleep(LOOK_S)
            slot = await self._look(conn, name)
            if slot is None or slot.lost:
                raise StreamLost(f"{name}: the slot is gone")
            async with self._asking:
                there = await self._repository.publications(conn, self._publications)
            if there != tuple(publications):
                raise StreamLost(f"{name}: the publications are others now")

    async def _open(self, conn: Connection, name: str, publications: Sequence[str]) -> Stream:
        while True:
            try:
                return await streams.open_stream(self._repository.url, name, publications)
            except SlotInUse:
                # The one that led before: its connection is not over yet.
                await self._look(conn, name)
                self._go_on("another replica leads")
                await asyncio.sleep(LOOK_S)

    async def _begin(
        self, conn: Connection, name: str, publications: Sequence[str], place: CaptureSource
    ) -> None:
        """Publish what stands in the tables, and make a slot that has all that comes after it.

        A temporary slot holds the place meanwhile: whatever ends this process ends it too, and the
        next one begins again.
        """
        self._go_on("reads the tables for a new slot")
        self._log.info("a new slot begins; the tables are read", slot=name)
        temporary = f"{name[:59]}_new"
        replication = await streams.connect(self._repository.url)
        try:
            lsn, snapshot = await streams.make_temporary_slot(replication, temporary)
            moment = TransactionInfo(lsn, time.time_ns() // 1000, snapshot=True)
            async with self._repository.snapshot(snapshot) as seen:
                for relation in await self._repository.tables(seen, publications):
                    await self._replay(seen, relation, moment, place)
            await self._repository.keep_slot(conn, temporary, name)
        finally:
            await asyncio.to_thread(replication.close)
        self._meters.began()

    async def _replay(
        self, seen: Connection, relation: Relation, moment: TransactionInfo, place: CaptureSource
    ) -> None:
        is_outbox = relation.name == self._outbox
        if not is_outbox and not self._snapshot:
            return
        facts = await self._repository.facts(seen, relation.oid)
        table = self._table(relation, lambda: table_of(relation, facts, place), place)
        if table is None:
            return
        waiting: list[Message] = []
        async for row in self._repository.rows(seen, relation, pending_outbox=is_outbox):
            if is_outbox:
                waiting.extend(self._event(outbox_message(table, row)))
            else:
                waiting.append(snapshot_message(table, row, moment))
            if len(waiting) >= AT_ONCE:
                await self._publish(waiting)
                waiting = []
        await self._publish(waiting)

    async def _pump(self, conn: Connection, stream: Stream, place: CaptureSource) -> None:
        """Publish what the stream brings, and confirm each transaction that is all published."""
        tables: dict[int, CapturedTable | None] = {}
        moment, number = TransactionInfo(0, 0), 0
        while True:
            waiting: list[Message] = []
            ended: list[int] = []
            confirmed = 0
            for raw in await stream.read(AT_ONCE):
                match decode(raw):
                    case RowChange() as change:
                        number += 1
                        table = tables[change.relation]
                        if table is not None:
                            waiting.extend(self._messages(table, change, moment, number))
                    case Begin() as begin:
                        moment, number = (
                            TransactionInfo(begin.lsn, begin.committed_at_us, begin.xid),
                            0,
                        )
                    case Commit() as commit:
                        confirmed = commit.end_lsn
                        ended.append(moment.at_us)
                    case Relation() as relation:
                        tables[relation.oid] = await self._prepared(conn, relation, place)
            await self._publish(waiting)
            stream.confirm(confirmed)
            now_us = time.time_ns() // 1000
            for at_us in ended:
                self._meters.took(max(0.0, (now_us - at_us) / 1e6))

    async def _prepared(
        self, conn: Connection, relation: Relation, place: CaptureSource
    ) -> CapturedTable | None:
        async with self._asking:
            facts = await self._repository.facts(conn, relation.oid)
        return self._table(relation, lambda: table_of(relation, facts, place), place)

    def _table(
        self, relation: Relation, make: Callable[[], CapturedTable], place: CaptureSource
    ) -> CapturedTable | None:
        topic = f"{place.prefix}.{relation.schema}.{relation.name}"
        if relation.name != self._outbox and topic not in self._publishes:
            self._log.info("a table's changes are not published: no such topic", topic=topic)
            return None
        return make()

    def _messages(
        self, table: CapturedTable, change: RowChange, moment: TransactionInfo, number: int
    ) -> Iterable[Message]:
        if table.relation.name != self._outbox:
            return change_messages(table, change, moment, number)
        if change.op != "c" or change.after is None:
            return ()  # rows are marked and pruned; that is no event
        return self._event(outbox_message(table, change.after))

    def _event(self, message: Message | None) -> Iterable[Message]:
        if message is None:
            return ()
        if message.topic not in self._publishes:
            raise NotBound(
                f"PUBLISHES: the topic {message.topic!r} of the event {message.id} is not in it; "
                "list it under `publishes` of this service in the system's file"
            )
        return (message,)

    async def _publish(self, messages: Sequence[Message]) -> None:
        """Return when the broker has stored every message; those of one key in their order."""
        groups: dict[str, list[Message]] = {}
        for message in messages:
            groups.setdefault(message.key, []).append(message)
        await asyncio.gather(*(self._send(group) for group in groups.values()))

    async def _send(self, group: Sequence[Message]) -> None:
        for message in group:
            delay_s = 0.05
            while True:
                try:
                    await self._bus.publish(message)
                    break
                except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
                    self._say_refused(message, error)
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, LONGEST_PAUSE_S)
            self._meters.published(message.topic)

    def _say_refused(self, message: Message, error: Exception) -> None:
        if time.monotonic() - self._logged_at >= 5.0:
            self._logged_at = time.monotonic()
            self._log.warning(
                "publish failed; it is tried again", topic=message.topic, error=repr(error)
            )

    def _go_on(self, doing: str) -> None:
        self.doing, self.stuck = doing, ""

    def _stand_still(self, why: str, *, warn: bool = False) -> None:
        if warn and why != self.stuck:
            self._log.warning("capture stands still", why=why)
        self.stuck = why


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
