"""What the owner of captured tables does itself: publications, and pruning what was confirmed.

Run in the background by the chassis in place of the relay when OUTBOX_RELAY is `capture`. The
reader of the slot, the capture service or Debezium, needs no right to write here: a row counts as
published once the slot has confirmed a position after its commit. It publishes no event.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from typing import TYPE_CHECKING
from uuid import UUID

from tarmac_kit.capture_names import OUTBOX_PUBLICATION, TABLES_PUBLICATION, slot_of
from tarmac_kit.database import Database, connection_errors
from tarmac_kit.logs import get_logger
from tarmac_kit.relay import LOCK, MARK, PRUNE, STATEMENT_S

if TYPE_CHECKING:
    from tarmac_kit.database import Connection

#: Rows that are marked in one statement.
BATCH = 5000

_PUBLICATIONS = "select pubname from pg_publication where pubname = any($1::text[])"
_PUBLISHED = "select schemaname || '.' || tablename from pg_publication_tables where pubname = $1"
_WAITING = "select id from outbox where published_at is null order by seq limit $1"
#: After the rows were read: each of them was committed before this position. To take a number has
#: this transaction write its commit behind it: where a page of the log ends here and nothing is
#: written any more, the position is after the next page's header, and no slot ever gets there.
_POSITION = "select pg_current_wal_insert_lsn()::text, txid_current()"
_CONFIRMED = """
select 1 from pg_replication_slots
where slot_name = $1 and database = current_database() and confirmed_flush_lsn >= $2::text::pg_lsn
"""
_NAME = re.compile(r"[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)?")


class CaptureOwner:
    """Makes one database's publications, marks its outbox's rows and deletes old ones."""

    def __init__(
        self,
        database: Database,
        *,
        outbox: bool,
        tables: Collection[str] = (),
        slot: str = "",
        keep_s: float = 86_400.0,
        poll_s: float = 0.5,
    ) -> None:
        """Take what is captured.

        Args:
            outbox: whether the outbox is, in place of the relay.
            tables: names of tables whose changes are, `public` where none has a schema.
            slot: the slot that is read; the database's own where it is empty.
            keep_s: how long a row that was published is kept.
            poll_s: how often the slot is looked at while rows wait.
        """
        self._database = database
        self._outbox = outbox
        self._tables = tuple(sorted({_qualified(name) for name in tables}))
        self._slot = slot
        self._keep_s = keep_s
        self._poll_s = poll_s
        #: Rows that are looked at, and a position after their commits.
        self._waiting: list[UUID] = []
        self._position = ""

    async def run(self) -> None:
        """Work until cancelled; the database may go and come back meanwhile."""
        log = get_logger("capture")
        while True:
            try:
                conn = await self._database.connect(command_timeout_s=STATEMENT_S)
                try:
                    await self._with(conn)
                finally:
                    conn.terminate()
            except connection_errors() as error:
                log.warning("no database; capture upkeep waits", error=type(error).__name__)
                await asyncio.sleep(1.0)

    async def _with(self, conn: Connection) -> None:
        # The relay's own lock: where both are on while a deployment rolls, one works.
        while not await conn.fetchval("select pg_try_advisory_lock($1)", LOCK):  # noqa: ASYNC110
            await asyncio.sleep(self._poll_s)
        async with conn.transaction():
            await self.publish(conn)
        if not self._outbox:
            await asyncio.Event().wait()
        slot = self._slot or slot_of(str(await conn.fetchval("select current_database()")))
        prune_at = 0.0
        loop = asyncio.get_running_loop()
        while True:
            marked = await self.settle(conn, slot)
            if loop.time() >= prune_at:
                pruned = await conn.execute(PRUNE, self._keep_s, BATCH)
                prune_at = loop.time() + (0.1 if pruned == f"DELETE {BATCH}" else 60.0)
            if marked < BATCH:
                await asyncio.sleep(self._poll_s)

    async def publish(self, conn: Connection) -> None:
        """Make the publications that are not there, and have the tables' hold what is listed."""
        names = [OUTBOX_PUBLICATION, TABLES_PUBLICATION]
        there = {row["pubname"] for row in await conn.fetch(_PUBLICATIONS, names)}
        if self._outbox and OUTBOX_PUBLICATION not in there:
            # A row that comes from a backup as published is no event (row filters: from 15 on).
            new = "where (published_at is null)" if conn.get_server_version()[0] >= 15 else ""
            await conn.execute(
                f"create publication {OUTBOX_PUBLICATION} for table outbox {new} "
                "with (publish = 'insert')"
            )
        # Made empty too: a reader whose place in the log is before a publication's making fails.
        if TABLES_PUBLICATION not in there:
            await conn.execute(f"create publication {TABLES_PUBLICATION}")
        rows = await conn.fetch(_PUBLISHED, TABLES_PUBLICATION)
        if tuple(sorted(row[0] for row in rows)) == self._tables:
            return
        if self._tables:
            await conn.execute(
                f"alter publication {TABLES_PUBLICATION} set table {', '.join(self._tables)}"
            )
        else:
            await conn.execute(
                f"alter publication {TABLES_PUBLICATION} drop table "
                + ", ".join(row[0] for row in rows)
            )

    async def settle(self, conn: Connection, slot: str) -> int:
        """Mark a batch of rows if the slot has confirmed them by now; return how many."""
        if not self._waiting:
            self._waiting = [row["id"] for row in await conn.fetch(_WAITING, BATCH)]
            if not self._waiting:
                return 0
            self._position = str(await conn.fetchval(_POSITION))
        if not await conn.fetchval(_CONFIRMED, slot, self._position):
            return 0
        rows, self._waiting = self._waiting, []
        await conn.execute(MARK, rows)
        return len(rows)


def _qualified(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"CAPTURED_TABLES: {name!r} cannot be a table's name; write TABLE or SCHEMA.TABLE"
        )
    return name if "." in name else f"public.{name}"
