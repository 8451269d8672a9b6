"""Wrong rows for tables of a PostgreSQL, each made in a transaction that is undone.

Used by the test that holds each system's invariants against them. It knows tables by their
catalogue alone: keys, CHECKs that list values, types.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import uuid4

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[Any]"

#: Types whose values are moved by one, replaced by an unknown one, or turned round.
NUMBERS = frozenset({"int2", "int4", "int8"})
TEXTS = frozenset({"text", "varchar", "bpchar"})

_COLUMNS = """
SELECT a.attname AS name, t.typname AS type, a.attidentity <> '' AS identity,
       EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'f'
               AND a.attnum = ANY (k.conkey)) AS foreign_key
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
 WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped
   AND a.attgenerated = ''
 ORDER BY a.attnum
"""
_CHECKS = """
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'c'
"""
_UNIQUE = """
SELECT array_agg(a.attname::text ORDER BY k.place) AS columns
  FROM pg_index i, unnest(i.indkey::int[]) WITH ORDINALITY AS k (number, place)
  JOIN pg_attribute a ON a.attnum = k.number
 WHERE i.indrelid = $1::regclass AND i.indisunique AND a.attrelid = i.indrelid
 GROUP BY i.indexrelid ORDER BY i.indexrelid
"""
_LISTED = re.compile(r"^CHECK \(\((\w+) = ANY \(ARRAY\[(.*)\]\)\)\)$")
_SERIAL = "SELECT pg_get_serial_sequence($1, $2) IS NOT NULL"


@dataclass(frozen=True)
class Column:
    """A column, and the values that its CHECK lists."""

    name: str
    type: str
    #: Its value comes from a sequence.
    numbered: bool
    foreign_key: bool
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table and what is unique in it."""

    name: str
    columns: tuple[Column, ...]
    unique: tuple[tuple[str, ...], ...]

    def column(self, name: str) -> Column:
        """Return a column by name."""
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True)
class Mutation:
    """One wrong row: `change` is what is done, in the words of the report."""

    table: str
    change: str
    sql: str
    values: tuple[Any, ...] = ()


async def tables(connection: Connection) -> list[Table]:
    """Read the tables of the public schema, but for the record of migrations."""
    names = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
    )
    found = [row["tablename"] for row in names if row["tablename"] != "schema_migrations"]
    return [await _table(connection, name) for name in found]


async def _table(connection: Connection, name: str) -> Table:
    listed: dict[str, tuple[str, ...]] = {}
    for row in await connection.fetch(_CHECKS, name):
        if match := _LISTED.match(row[0]):
            listed[match[1]] = tuple(re.findall(r"'([^']*)'::text", match[2]))
    columns = [
        Column(
            row["name"],
            row["type"],
            row["identity"] or await connection.fetchval(_SERIAL, name, row["name"]),
            row["foreign_key"],
            listed.get(row["name"], ()),
        )
        for row in await connection.fetch(_COLUMNS, name)
    ]
    unique = [tuple(row["columns"]) for row in await connection.fetch(_UNIQUE, name)]
    return Table(name, tuple(columns), tuple(unique))


async def mutations(connection: Connection, table: Table) -> AsyncIterator[Mutation]:
    """Make the wrong rows of a table: for each of its rows, everything that can be changed."""
    rows = await connection.fetch(f"SELECT ctid AS place, * FROM {table.name}")
    for row in rows:
        for mutation in _of_row(table, row, rows):
            yield mutation


def _of_row(table: Table, row: Any, rows: list[Any]) -> Iterator[Mutation]:
    place = row["place"]

    def changed(column: Column, change: str, value: Any) -> Mutation:
        sql = f"UPDATE {table.name} SET {column.name} = $2 WHERE ctid = $1"
        return Mutation(table.name, f"{column.name}: {change}", sql, (place, value))

    yield Mutation(table.name, "row removed", f"DELETE FROM {table.name} WHERE ctid = $1", (place,))
    yield _added(table, row, "row added: the same again", {})
    keys = dict(_fresh_keys(table, row))
    yield _added(table, row, "row added: the same under other keys", keys)
    for column in table.columns:
        value = row[column.name]
        for other in column.values:
            if other != value:
                yield changed(column, "another of its values", other)
                yield _added(
                    table,
                    row,
                    f"row added: {column.name} another of its values",
                    {**keys, column.name: other},
                )
        if column.values or value is None or column.numbered:
            continue
        if column.type in NUMBERS:
            yield changed(column, "one more", value + 1)
            yield changed(column, "one less", value - 1)
        elif column.type == "uuid":
            yield changed(column, "an unknown one", uuid4())
            others = {other[column.name] for other in rows} - {value, None}
            for other in sorted(others):
                yield changed(column, "that of another row", other)
        elif column.type == "bool":
            yield changed(column, "the opposite", not value)
        elif column.type in TEXTS:
            yield changed(column, "another", "ZZZ" if column.type == "bpchar" else f"{value}x")
        elif column.type == "jsonb":
            for path, number in _numbers(json.loads(value)):
                set_one = f"{column.name} = jsonb_set({column.name}, $2, $3)"
                sql = f"UPDATE {table.name} SET {set_one} WHERE ctid = $1"
                change = f"{column.name}: {path[-1]} one more"
                yield Mutation(table.name, change, sql, (place, path, json.dumps(number + 1)))


def _added(table: Table, row: Any, change: str, other: dict[str, Any]) -> Mutation:
    columns = [column for column in table.columns if not column.numbered]
    names = ", ".join(column.name for column in columns)
    places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    sql = f"INSERT INTO {table.name} ({names}) VALUES ({places})"
    values = tuple(other.get(column.name, row[column.name]) for column in columns)
    return Mutation(table.name, change, sql, values)


def _fresh_keys(table: Table, row: Any) -> Iterator[tuple[str, Any]]:
    """Give one column of each key a value that no row has."""
    for names in table.unique:
        columns = [table.column(name) for name in names]
        if any(column.numbered for column in columns) or any(row[name] is None for name in names):
            continue
        column = next((c for c in reversed(columns) if not c.foreign_key), columns[-1])
        value = row[column.name]
        if column.values:
            yield column.name, next(other for other in column.values if other != value)
        elif column.type == "uuid":
            yield column.name, uuid4()
        elif column.type in NUMBERS:
            yield column.name, value + 1000
        elif column.type in TEXTS:
            yield column.name, f"{value}x"


def _numbers(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[list[str], int]]:
    """List the numbers in a JSON value, those of text included, each with its path."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _numbers(member, (*path, key))
    elif isinstance(value, list):
        for place, member in enumerate(value):
            yield from _numbers(member, (*path, str(place)))
    elif isinstance(value, int) and not isinstance(value, bool):
        yield list(path), value


@asynccontextmanager
async def undone(connection: Connection, mutation: Mutation) -> AsyncIterator[str | None]:
    """Make a wrong row for the time of the block; give the constraint that refuses it, or None."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield await _refusal(connection, mutation)
    finally:
        await transaction.rollback()


async def _refusal(connection: Connection, mutation: Mutation) -> str | None:
    try:
        await connection.execute(mutation.sql, *mutation.values)
    except asyncpg.IntegrityConstraintViolationError as error:
        return error.constraint_name or type(error).__name__
    except asyncpg.RaiseError as error:  # of a trigger
        return str(error).partition(":")[0]
    return None
