"""The databases of the hosted services: made, looked into, put back to what they held.

Used by the World over connections of its own. Rows are put back by DELETE and COPY: of a few small
tables that takes some milliseconds, where a database from a template takes 60 to 300 and cuts the
connections of services that live on.
"""

from __future__ import annotations

import asyncio
import io
import time
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

TRIES = 5
#: A server notices soon that a client is gone.
SESSIONS_S = 5.0
_SESSIONS = """
select count(*) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
"""
_TABLES = """
select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name, n.nspname, c.relname
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and c.relname <> 'schema_migrations'
    and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'
order by 1
"""
_SEQUENCES = """
select format('%I.%I', schemaname, sequencename), last_value from pg_sequences
where last_value is not null
"""
#: What the kit itself still has to do, by the table it stands in; a job for later does not count.
_UNDONE = {
    "outbox": "select count(*) from outbox where published_at is null",
    "jobs": "select count(*) from jobs where state = 'running'"
    " or (state = 'queued' and due_at <= now())",
    "sagas": "select count(*) from sagas where state in ('running', 'compensating')",
    "parked": "select count(*) from parked where state = 'waiting'",
}
#: What a process that died has leased, by table: tests do not wait until that is over.
_LEASED = {
    "jobs": "update jobs set due_at = now() where state = 'running'",
    "parked": "update parked set due_at = now() where state = 'waiting'",
    "idempotency_keys": "update idempotency_keys set locked_until = now()"
    " where status is null and locked_until > now()",
}


class DatabaseRows:
    """One database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection: Any = None
        #: A connection does one thing at a time, and a journey may look from several tasks.
        self._lock = asyncio.Lock()
        self._kept: dict[tuple[str, str], bytes] = {}
        self._delete = ""
        self._emptied = False
        self._undone: dict[str, str] = {}
        #: Where sequences stood: one of an empty database would give numbers that are taken.
        self._sequences = ""

    async def open(self) -> None:
        """Connect."""
        self._connection = await asyncpg.connect(self.url)

    async def close(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            await self._connection.close()

    async def fetch(self, query: str, *args: Any) -> list[tuple[Any, ...]]:
        """Run a query."""
        async with self._lock:
            return [tuple(row) for row in await self._connection.fetch(query, *args)]

    async def apply_seed(self, seed: Any) -> None:
        """Run the rows that the database begins with."""
        if callable(seed):
            await seed(self._connection)
        elif seed:
            await self._connection.execute(seed)

    async def keep(self) -> None:
        """Remember every row, for `put_back`."""
        tables = await self._connection.fetch(_TABLES)
        for table in tables:
            copy = io.BytesIO()
            await self._connection.copy_from_table(
                table["relname"], schema_name=table["nspname"], output=copy, format="binary"
            )
            # The header and the trailer of a copy without rows take 21 bytes.
            if len(copy.getvalue()) > 21:
                self._kept[table["nspname"], table["relname"]] = copy.getvalue()
        self._delete = "; ".join(f"delete from {table['name']}" for table in tables)  # noqa: S608
        self._sequences = "; ".join(
            f"select setval('{name}', {last})"
            for name, last in await self._connection.fetch(_SEQUENCES)
        )
        names = {table["relname"] for table in tables}
        self._undone = {name: query for name, query in _UNDONE.items() if name in names}

    async def put_back(self) -> None:
        """Take what was written since out again; services stay connected."""
        for left in reversed(range(TRIES)):
            try:
                async with self._lock, self._connection.transaction():
                    # No trigger and no foreign key sees it.
                    await self._connection.execute(
                        f"set local session_replication_role = replica; {self._delete}"
                    )
                    for (schema, table), rows in self._kept.items():
                        await self._connection.copy_to_table(
                            table, schema_name=schema, source=io.BytesIO(rows), format="binary"
                        )
                    if self._emptied and self._sequences:
                        await self._connection.execute(self._sequences)
                self._emptied = False
                return
            except (asyncpg.DeadlockDetectedError, asyncpg.UniqueViolationError):
                if not left:
                    raise
                await asyncio.sleep(0.05)

    async def empty(self) -> None:
        """Take every table out, as in a database that was just made."""
        async with self._lock:
            await self._connection.execute("drop schema public cascade; create schema public")
            # What the driver knows of these tables is out of date.
            await self._connection.reload_schema_state()
        self._emptied = True

    async def undone(self) -> list[str]:
        """Return what the kit has still to do: events, message retries, jobs, sagas."""
        counts = {name: (await self.fetch(query))[0][0] for name, query in self._undone.items()}
        return [f"{count} of {name} are not done" for name, count in counts.items() if count]

    async def bury(self, *, alone: bool) -> None:
        """End what a process that died held: its sessions, and its leases sooner than in earnest.

        Args:
            alone: there are no other sessions, so that the server can be seen to have ended them.
        """
        end = time.monotonic() + SESSIONS_S
        while alone and (await self.fetch(_SESSIONS))[0][0] and time.monotonic() < end:  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.002)
        async with self._lock:
            for name, query in _LEASED.items():
                # A process that dies while it starts may not have made its tables yet.
                if await self._connection.fetchval("select to_regclass($1) is not null", name):
                    await self._connection.execute(query)


async def create(server_url: str, name: str) -> DatabaseRows:
    """Make an empty database on a server, and connect."""
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f"create database {name}")
    finally:
        await connection.close()
    rows = DatabaseRows(urlunsplit(urlsplit(server_url)._replace(path=f"/{name}")))
    await rows.open()
    return rows


async def drop(server_url: str, name: str) -> None:
    """Delete a database, also with open sessions."""
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f"drop database if exists {name} with (force)")
    finally:
        await connection.close()
