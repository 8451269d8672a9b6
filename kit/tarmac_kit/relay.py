"""The relay: publishes committed outbox rows in order and marks them.

Run in the background by the chassis of every process that has an outbox and a broker; an advisory
lock lets one of them work. At least once: a crash between publish and mark publishes again.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tarmac_kit.database import Database, connection_errors
from tarmac_kit.logs import get_logger
from tarmac_kit.messages import Bus, Message

if TYPE_CHECKING:
    from tarmac_kit.database import Connection

#: The longest that a statement of the relay may take.
STATEMENT_S = 10.0
#: Keeps one at work in each database.
LOCK = 7_245_110_132
_CHANNEL = "tarmac_outbox"

_PENDING = """
select id, aggregatetype, aggregateid, type, payload, headers from outbox
where published_at is null
    and not exists (
        select from unnest($2::text[], $3::text[]) as stuck(kind, id)
        where stuck.kind = aggregatetype and stuck.id = aggregateid
    )
order by seq limit $1
"""
MARK = "update outbox set published_at = now() where id = any($1::uuid[])"
PRUNE = """
delete from outbox where id = any(array(
    select id from outbox
    where published_at < now() - make_interval(secs => $1)
    order by published_at limit $2
))
"""

_WAITING = """
select count(*), coalesce(extract(epoch from now() - min(created_at)), 0)::float8
from (select created_at from outbox where published_at is null order by seq limit 10000) as waiting
"""
#: How often it is counted what waits, in seconds.
COUNT_S = 15.0

Aggregate = tuple[str, str]


class Relay:
    """Moves the rows of one database's outbox to the broker."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        *,
        keep_s: float = 86_400.0,
        poll_s: float = 1.0,
        batch: int = 256,
        published: Callable[[str, int], None] | None = None,
        waiting: Callable[[int, float], None] = lambda _rows, _oldest_s: None,
    ) -> None:
        self._database = database
        self._bus = bus
        self._keep_s = keep_s
        self._poll_s = poll_s
        self._batch = batch
        self._published = published or (lambda _topic, _count: None)
        self._waiting = waiting
        self._woken = asyncio.Event()
        #: Whether this one holds the lock and publishes.
        self.leading = False
        #: Whether it is notified of other commits.
        self.listening = False

    def wake(self) -> None:
        """Say that rows were committed; many calls at once cost one round."""
        self._woken.set()

    async def run(self) -> None:
        """Relay until cancelled; the database or the broker may go and come back meanwhile."""
        log = get_logger("relay")
        delay_s = 0.1
        while True:
            try:
                # A server that went silent is given up after this, not after TCP's quarter hour.
                conn = await self._database.connect(command_timeout_s=STATEMENT_S)
            except connection_errors() as error:
                log.warning("no database; the relay waits", error=type(error).__name__)
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, 2.0)
                continue
            delay_s = 0.1
            try:
                await self._with(conn)
            except connection_errors() as error:
                log.warning("the relay lost its database", error=type(error).__name__)
            finally:
                self.leading = self.listening = False
                self._waiting(0, 0.0)  # another one counts them now
                conn.terminate()

    async def _with(self, conn: Connection) -> None:
        """Work on one connection: lead and publish, or pass the word to the one that leads."""
        await conn.add_listener(_CHANNEL, lambda *_: self._woken.set())
        self.listening = True
        prune_at = count_at = 0.0
        loop = asyncio.get_running_loop()
        while True:
            if not self.leading:
                self.leading = await conn.fetchval("select pg_try_advisory_lock($1)", LOCK)
            if self.leading:
                self._woken.clear()
                done = await self.relay_pending(conn)
                if loop.time() >= prune_at:
                    pruned = await self.prune(conn)
                    prune_at = loop.time() + (0.1 if pruned else 60.0)
                if loop.time() >= count_at:
                    row = await conn.fetchrow(_WAITING)
                    if row is not None:
                        self._waiting(row[0], row[1])
                    count_at = loop.time() + COUNT_S
                if not done:
                    # The broker is away or refuses: no hurry, and no listening to wake-ups.
                    await asyncio.sleep(0.2)
                    continue
            elif self._woken.is_set():
                self._woken.clear()
                await conn.execute(f"notify {_CHANNEL}")
                # Debounced: what is committed in this time shares the next notification.
                await asyncio.sleep(0.01)
            try:
                async with asyncio.timeout(self._poll_s):
                    await self._woken.wait()
            except TimeoutError:
                if conn.is_closed():
                    raise ConnectionError("the relay's connection was closed") from None

    async def relay_pending(self, conn: Connection) -> bool:
        """Publish all that is committed, batch by batch; return False if some could not be."""
        stuck: set[Aggregate] = set()
        while self._bus.connected:
            rows = await conn.fetch(
                _PENDING, self._batch, [kind for kind, _ in stuck], [id_ for _, id_ in stuck]
            )
            if not rows:
                return not stuck
            rows.sort(key=lambda row: (row["aggregatetype"], row["aggregateid"]))
            groups = [
                (aggregate, list(group))
                for aggregate, group in itertools.groupby(
                    rows, key=lambda row: (row["aggregatetype"], row["aggregateid"])
                )
            ]
            results = await asyncio.gather(*(self._publish(group) for _, group in groups))
            sent: list[UUID] = []
            for (aggregate, group), count in zip(groups, results, strict=True):
                sent.extend(row["id"] for row in group[:count])
                if count < len(group):
                    stuck.add(aggregate)
            if sent:
                await conn.execute(MARK, sent)
            if len(rows) < self._batch:
                # All there was: later commits wake the next round.
                return not stuck
        return False

    async def _publish(self, rows: Sequence[Any]) -> int:
        """Publish one aggregate's rows in order; return how many the broker has stored."""
        for count, row in enumerate(rows):
            message = Message(
                id=str(row["id"]),
                topic=row["type"],
                key=row["aggregateid"],
                payload=row["payload"],
                headers=row["headers"],
            )
            try:
                await self._bus.publish(message)
            except Exception as error:  # noqa: BLE001 - whatever it is, the row stays and is tried again
                get_logger("relay").warning(
                    "publish failed; the row stays", topic=message.topic, error=repr(error)
                )
                return count
            self._published(message.topic, 1)
        return len(rows)

    async def prune(self, conn: Connection, batch: int = 500) -> bool:
        """Delete a batch of old published rows; say whether there may be more."""
        status = await conn.execute(PRUNE, self._keep_s, batch)
        return status == f"DELETE {batch}"
