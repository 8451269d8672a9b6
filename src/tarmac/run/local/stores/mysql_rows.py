"""Restores the rows of a MySQL database to a snapshot, while clients stay connected.

Used by `fresh`. The snapshot is a database beside it, of tables with the same rows. Only tables
that changed are written again, and they are found by digests of their rows: CHECKSUM TABLE does not
notice every exchange of values between two rows. Tables and their columns stay.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
from pymysql.constants import ER

from tarmac.base.errors import TarmacError
from tarmac.run.local.stores.mysql_connection import connect

#: How long to wait for the locks of a transaction that a client has left open; whole seconds.
LOCK_S = 1
TRIES = 4
_SESSION = (
    "SET SESSION foreign_key_checks = 0, unique_checks = 0, sql_mode = 'NO_AUTO_VALUE_ON_ZERO', "
    f"lock_wait_timeout = {LOCK_S}, innodb_lock_wait_timeout = {LOCK_S}"
)
_TABLES = (
    "SELECT table_name FROM information_schema.tables "
    "WHERE table_schema = database() AND table_type = 'BASE TABLE' ORDER BY 1"
)
_COLUMNS = (
    "SELECT column_name, data_type FROM information_schema.columns "
    "WHERE table_schema = database() AND table_name = %s "
    "AND coalesce(generation_expression, '') = '' ORDER BY ordinal_position"
)
_TRIGGERS = (
    "SELECT trigger_name FROM information_schema.triggers "
    "WHERE event_object_schema = database() AND event_object_table = %s ORDER BY action_order"
)
_OTHERS = (
    "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()"
)
#: What a client that still writes can be the reason of.
_HELD = (ER.LOCK_WAIT_TIMEOUT, ER.LOCK_DEADLOCK, ER.DUP_ENTRY)
_COUNTER = re.compile(r" AUTO_INCREMENT=(\d+)")


@dataclass(frozen=True)
class Table:
    """A table as it is defined, without the number that it gives next."""

    name: str
    definition: str
    #: Quoted, each with its type; without those that are computed.
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class RowSnapshot:
    """What a database held: its tables, digests of their rows, and the numbers they give next."""

    tables: tuple[Table, ...]
    digests: dict[str, Any]
    numbers: dict[str, int]
    #: The database that holds the rows, quoted.
    beside: str


async def take_snapshot(url: str, folder: Path) -> RowSnapshot:  # noqa: ARG001 - one shape for all
    """Copy every table's rows into a database beside it.

    Raises:
        TarmacError: the server refuses it.
    """
    return await asyncio.to_thread(_take, url)


async def restore(url: str, snapshot: RowSnapshot) -> bool:
    """Restore the rows that changed since.

    Returns:
        Whether connections had to be cut that held locks.

    Raises:
        TarmacError: the tables are others than they were, or the server refuses it.
    """
    return await asyncio.to_thread(_restore, url, snapshot)


def _take(url: str) -> RowSnapshot:
    with _asking(url, "saved") as cursor:
        cursor.execute("SELECT concat('tarmac_kept_', database())")
        beside = _quoted(cursor.fetchone()[0])
        tables, numbers = _tables(cursor)
        for statement in (f"DROP DATABASE IF EXISTS {beside}", f"CREATE DATABASE {beside}"):
            cursor.execute(statement)
        for table in tables:
            cursor.execute(f"CREATE TABLE {beside}.{table.name} LIKE {table.name}")
        cursor.execute("START TRANSACTION")
        for table in tables:
            _copy(cursor, table, table.name, f"{beside}.{table.name}")
        digests = {table.name: _digest(cursor, table) for table in tables}
        cursor.execute("COMMIT")
        return RowSnapshot(tables, digests, numbers, beside)


def _restore(url: str, snapshot: RowSnapshot) -> bool:
    cut = False
    with _asking(url, "restored") as cursor:
        for left in reversed(range(TRIES)):
            try:
                _put_back(cursor, snapshot)
                break
            except pymysql.MySQLError as error:
                if not left or error.args[0] not in _HELD:
                    raise
                cursor.execute("ROLLBACK")
                _cut_others(cursor)
                cut = True
    return cut


def _put_back(cursor: Any, snapshot: RowSnapshot) -> None:
    tables, numbers = _tables(cursor)
    if tables != snapshot.tables:
        names = sorted({table.name for table in {*tables} ^ {*snapshot.tables}})
        raise TarmacError(
            f"its tables have changed ({', '.join(names)}); "
            "only rows are restored: call `keep` again after such a change"
        )
    changed = [table for table in tables if _digest(cursor, table) != snapshot.digests[table.name]]
    with _without_triggers(cursor, changed):
        cursor.execute("START TRANSACTION")
        for table in changed:
            cursor.execute(f"DELETE FROM {table.name}")  # noqa: S608 - quoted
        for table in changed:
            _copy(cursor, table, f"{snapshot.beside}.{table.name}", table.name)
        cursor.execute("COMMIT")
    for name, number in numbers.items():
        if number != snapshot.numbers[name]:
            cursor.execute(f"ALTER TABLE {name} AUTO_INCREMENT = {snapshot.numbers[name]}")


@contextmanager
def _without_triggers(cursor: Any, tables: list[Table]) -> Iterator[None]:
    """Take the tables' triggers away meanwhile: no setting keeps them from seeing what is done."""
    made: list[tuple[str, str]] = []
    try:
        for table in tables:
            cursor.execute(_TRIGGERS, (table.name[1:-1].replace("``", "`"),))
            for (trigger,) in cursor.fetchall():
                cursor.execute(f"SHOW CREATE TRIGGER {_quoted(trigger)}")
                _, mode, definition, *_ = cursor.fetchone()
                cursor.execute(f"DROP TRIGGER {_quoted(trigger)}")
                made.append((mode, definition))
        yield
    finally:
        for mode, definition in made:
            cursor.execute("SET @before = @@sql_mode, sql_mode = %s", (mode,))
            cursor.execute(definition)
            cursor.execute("SET sql_mode = @before")


def _tables(cursor: Any) -> tuple[tuple[Table, ...], dict[str, int]]:
    """Read how the tables are defined, and the next number of those that give numbers."""
    cursor.execute(_TABLES)
    tables, numbers = [], {}
    for (name,) in cursor.fetchall():
        cursor.execute(_COLUMNS, (name,))
        columns = tuple((_quoted(column), kind.lower()) for column, kind in cursor.fetchall())
        cursor.execute(f"SHOW CREATE TABLE {_quoted(name)}")
        definition = cursor.fetchone()[1]
        table = Table(_quoted(name), _COUNTER.sub("", definition), columns)
        tables.append(table)
        if " AUTO_INCREMENT" in table.definition:
            given = _COUNTER.search(definition)
            numbers[table.name] = int(given[1]) if given else 1
    return tuple(tables), numbers


def _digest(cursor: Any, table: Table) -> Any:
    """Count the rows and add up their digests, in any order."""
    values = ", ".join(
        # As text, a float has fewer digits than it holds.
        f"coalesce(md5({column}{' + 0e0' if kind == 'float' else ''}), '-')"
        for column, kind in table.columns
    )
    cursor.execute(
        f"SELECT count(*), sum(cast(conv(left(md5(concat({values})), 15), 16, 10) AS decimal(20))) "  # noqa: S608 - quoted
        f"FROM {table.name}"
    )
    return cursor.fetchone()


def _copy(cursor: Any, table: Table, source: str, target: str) -> None:
    columns = ", ".join(column for column, _ in table.columns)
    cursor.execute(f"INSERT INTO {target} ({columns}) SELECT {columns} FROM {source}")  # noqa: S608 - quoted


def _cut_others(cursor: Any) -> None:
    cursor.execute(_OTHERS)
    for (number,) in cursor.fetchall():
        try:
            cursor.execute(f"KILL {number}")
        except pymysql.MySQLError as error:
            if error.args[0] != ER.NO_SUCH_THREAD:
                raise


@contextmanager
def _asking(url: str, what: str) -> Iterator[Any]:
    try:
        with connect(url) as connection, connection.cursor() as cursor:
            cursor.execute(_SESSION)
            yield cursor
    except pymysql.MySQLError as error:
        said = error.args[-1] if error.args else type(error).__name__
        raise TarmacError(f"its rows cannot be {what}: {said}") from None


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"
