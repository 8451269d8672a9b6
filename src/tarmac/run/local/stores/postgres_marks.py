"""Marks in a PostgreSQL, and what its users' tables hold: what a backup is judged by.

Used by `postgres`. A mark is a number in a table of its own, committed once `write` returns.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from tarmac.base.errors import TarmacError
from tarmac.catalog.stores.contents import Rows
from tarmac.run.local.stores.postgres_connection import CONNECT_S, REFUSED

#: A statement here is over in milliseconds; a scan of large tables takes longer.
ANSWER_S, SCAN_S = 5.0, 120.0
#: A deadlock is found after a second (deadlock_timeout).
LOCK_MS, TRIES = 200, 50
_MADE = "CREATE TABLE IF NOT EXISTS public.tarmac_marks (number bigint PRIMARY KEY)"
_WRITE = "INSERT INTO public.tarmac_marks VALUES ($1)"
_READ = "SELECT number FROM public.tarmac_marks ORDER BY 1"
_TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
  AND tablename <> 'tarmac_marks'
ORDER BY 1
"""
_ROWS = "SELECT DISTINCT hashtextextended(one::text, 0) FROM ONLY {table} AS one"


class SqlMarks:
    """The marks of one store, over a connection that is opened again after it broke."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None

    async def write(self, number: int) -> None:
        """Write a mark. Raises TarmacError where the store does not take it."""
        with _said(self._url):
            try:
                if self._connection is None:
                    self._connection = await asyncpg.connect(
                        self._url, timeout=CONNECT_S, command_timeout=ANSWER_S
                    )
                try:
                    await self._connection.execute(_WRITE, number)
                except asyncpg.UndefinedTableError:  # the first of all
                    await self._connection.execute(_MADE)
                    await self._connection.execute(_WRITE, number)
            except asyncpg.ReadOnlySQLTransactionError:
                raise  # a standby: it may be promoted, and the connection lives on
            except REFUSED:
                await self.close()
                raise

    async def close(self) -> None:
        """Close its connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


async def written(url: str) -> list[int]:
    """List the marks that are there. Raises TarmacError."""
    with _said(url):
        connection = await asyncpg.connect(url, timeout=CONNECT_S, command_timeout=SCAN_S)
        try:
            found = await connection.fetch(_READ)
            return [row["number"] for row in found]
        finally:
            await connection.close()


@asynccontextmanager
async def rows(url: str, *, locked: bool = False) -> AsyncIterator[Rows]:
    """Digest all rows of the users' tables at one moment. Raises TarmacError.

    Args:
        locked: let none of them change before the end of the block.
    """
    with _said(url):
        connection = await asyncpg.connect(url, timeout=CONNECT_S, command_timeout=SCAN_S)
        try:
            tables = [row[0] for row in await connection.fetch(_TABLES)]
            if locked and tables:
                await _lock(connection, tables)
            else:
                await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            yield {
                table: frozenset(
                    row[0] for row in await connection.fetch(_ROWS.format(table=table))
                )
                for table in tables
            }
        finally:
            connection.terminate()


async def _lock(connection: Any, tables: Iterable[str]) -> None:
    """Begin a transaction with locks of all tables; users lock them in another order than we do.

    Ours gives way, before the server finds the deadlock and ends the user's instead.
    """
    await connection.execute(f"SET lock_timeout = '{LOCK_MS}ms'")
    for left in reversed(range(TRIES)):
        await connection.execute("BEGIN")
        try:
            await connection.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE MODE")
            return
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            if not left:
                raise
            await connection.execute("ROLLBACK")
            await asyncio.sleep(LOCK_MS / 1000)


@contextlib.contextmanager
def _said(url: str) -> Any:
    """Say that it failed without the URL, which has a password."""
    try:
        yield
    except REFUSED as error:
        where = url.rpartition("@")[2]
        raise TarmacError(f"{where}: {str(error) or type(error).__name__}") from None
