"""What the capture service asks a database: publications, slots, the catalogue, a snapshot's rows.

Used by the service. It writes no table.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarmac_capture.pgoutput import Column, Relation, Row
from tarmac_capture.records import TableFacts
from tarmac_capture.stream import lsn_of
from tarmac_capture.values import SESSION
from tarmac_kit import Database

if TYPE_CHECKING:
    from tarmac_kit.database import Connection

#: The longest that a question about the catalogue may take.
QUESTION_S = 10.0
#: Rows of a snapshot that are in flight at once.
PREFETCH = 500
#: Keeps one capture at work for each slot name; the second number is the name's.
_LOCK = 724_511

_LEAD = "select pg_try_advisory_lock($1, hashtext($2))"
_PUBLICATIONS = "select pubname from pg_publication where pubname = any($1::text[])"
_SLOT = """
select confirmed_flush_lsn::text as confirmed, wal_status, database = current_database() as own,
    greatest(0, pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn))::bigint as behind
from pg_replication_slots where slot_name = $1
"""
_COPY = "select pg_copy_logical_replication_slot($1, $2, false)"
_DROP = "select pg_drop_replication_slot($1)"
_TABLES = """
select c.oid, n.nspname, c.relname, c.relreplident::text as identity
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join (select distinct schemaname, tablename from pg_publication_tables
      where pubname = any($1::text[])) p
    on p.schemaname = n.nspname and p.tablename = c.relname
order by 2, 3
"""
_COLUMNS = """
select attname, atttypid, atttypmod from pg_attribute
where attrelid = $1 and attnum > 0 and not attisdropped and attgenerated = ''
order by attnum
"""
_KEY = """
select a.attname from pg_index i
cross join unnest(i.indkey) with ordinality as k(attnum, position)
join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
where i.indrelid = $1 and i.indisprimary order by k.position
"""
#: An enumeration is written as text (25), a list of them as a list of texts (1009).
_BASES = """
select t.oid, case t.typtype when 'e' then 25 when 'd' then t.typbasetype else 1009 end
from pg_type t left join pg_type element on element.oid = t.typelem and t.typcategory = 'A'
where t.typtype in ('e', 'd') or element.typtype = 'e'
"""


@dataclass(frozen=True)
class Slot:
    """A replication slot of this database."""

    name: str
    confirmed: int
    #: Bytes of the log that were not confirmed yet.
    behind: int
    #: Whether the server has thrown away log that it needs.
    lost: bool


class SlotOfAnother(Exception):
    """The slot's name is taken in another database of the same server."""


def refusals() -> tuple[type[Exception], ...]:
    """Return the exceptions by which the server refuses a statement."""
    import asyncpg  # noqa: PLC0415 - as in the kit: only with a database

    return (asyncpg.PostgresError,)


class CaptureRepository:
    """Questions to one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def url(self) -> str:
        """Return the database's URL, for the stream."""
        return self._database.url

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        """Give a connection on which values are written as the decoder reads them."""
        conn = await self._database.connect(command_timeout_s=QUESTION_S)
        try:
            for name, value in SESSION.items():
                await conn.execute("select set_config($1, $2, false)", name, value)
            yield conn
        finally:
            conn.terminate()

    async def lead(self, conn: Connection, slot: str) -> bool:
        """Take the lead among the captures of `slot`, for as long as `conn` lives."""
        return bool(await conn.fetchval(_LEAD, _LOCK, slot))

    async def database_name(self, conn: Connection) -> str:
        """Return the name of the database."""
        return str(await conn.fetchval("select current_database()"))

    async def publications(self, conn: Connection, names: Sequence[str]) -> tuple[str, ...]:
        """Return which of the publications are there."""
        rows = await conn.fetch(_PUBLICATIONS, list(names))
        there = {row["pubname"] for row in rows}
        return tuple(name for name in names if name in there)

    async def slot(self, conn: Connection, name: str) -> Slot | None:
        """Return the slot, or None; raises SlotOfAnother."""
        row = await conn.fetchrow(_SLOT, name)
        if row is None:
            return None
        if not row["own"]:
            raise SlotOfAnother(
                f"{name}: another database of this server has a slot of that name; "
                "give CAPTURE_SLOT another one, here and where the tables are written"
            )
        confirmed = lsn_of(row["confirmed"] or "0/0")
        return Slot(name, confirmed, int(row["behind"] or 0), row["wal_status"] == "lost")

    async def keep_slot(self, conn: Connection, temporary: str, name: str) -> None:
        """Make the slot `name`, which stays, at the place of a temporary one."""
        await conn.execute(_COPY, temporary, name)

    async def drop_slot(self, conn: Connection, name: str) -> None:
        """Drop a slot that is not read any more."""
        await conn.execute(_DROP, name)

    async def facts(self, conn: Connection, oid: int) -> TableFacts:
        """Return what the catalogue knows of a table now."""
        key = await conn.fetch(_KEY, oid)
        bases = await conn.fetch(_BASES)
        return TableFacts(tuple(row[0] for row in key), {row[0]: row[1] for row in bases})

    async def tables(self, conn: Connection, publications: Sequence[str]) -> tuple[Relation, ...]:
        """Return the publications' tables as they are now."""
        found = []
        for row in await conn.fetch(_TABLES, list(publications)):
            columns = await conn.fetch(_COLUMNS, row["oid"])
            key = {column[0] for column in await conn.fetch(_KEY, row["oid"])}
            found.append(
                Relation(
                    row["oid"],
                    row["nspname"],
                    row["relname"],
                    row["identity"],
                    tuple(
                        Column(name, type_oid, modifier, name in key)
                        for name, type_oid, modifier in columns
                    ),
                )
            )
        return tuple(found)

    @asynccontextmanager
    async def snapshot(self, name: str) -> AsyncIterator[Connection]:
        """Give a connection that sees what the exported snapshot `name` sees, for reading."""
        async with self.connect() as conn:
            await conn.execute("begin isolation level repeatable read read only")
            await conn.execute(f"set transaction snapshot '{name}'")
            yield conn

    async def rows(
        self, conn: Connection, relation: Relation, *, pending_outbox: bool
    ) -> AsyncIterator[Row]:
        """Give a table's rows as text, in the order of its key.

        Args:
            pending_outbox: only rows that were not published, in the order of their writing.
        """
        columns = ", ".join(_as_text(column.name) for column in relation.columns)
        table = f"{_quoted(relation.schema)}.{_quoted(relation.name)}"
        names = {column.name for column in relation.columns}
        key = [_quoted(column.name) for column in relation.columns if column.key]
        where = " where published_at is null" if pending_outbox and "published_at" in names else ""
        order = "seq" if pending_outbox and "seq" in names else ", ".join(key)
        # Every name is the catalogue's, in quotes.
        query = f"select {columns} from {table}{where}{f' order by {order}' if order else ''}"  # noqa: S608
        async for row in conn.cursor(query, prefetch=PREFETCH, timeout=None):
            yield tuple(row)


def _as_text(name: str) -> str:
    """Write as the log does: a cast to text trims char(n) and has other words for booleans."""
    column = _quoted(name)
    return f"case when {column} is not null then format('%s', {column}) end"


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
