"""Typed reads for a part's repository file: rows into dataclasses or pydantic models.

A repository is plain functions that take a connection first. This module opens nothing and writes
no SQL.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from pydantic import BaseModel

T = TypeVar("T")


class RowReader(Protocol):
    """The part of an asyncpg connection that reads."""

    async def fetch(self, query: str, *args: Any) -> list[Any]: ...
    async def fetchrow(self, query: str, *args: Any) -> Any: ...


def _make(into: type[T], row: Any) -> T:
    values = dict(row.items())
    if issubclass(into, BaseModel):
        return into.model_validate(values)
    return into(**values)


async def fetch_one(conn: RowReader, sql: str, *args: Any, into: type[T]) -> T | None:
    """Return the first row as `into` (columns by name), or None."""
    row = await conn.fetchrow(sql, *args)
    return None if row is None else _make(into, row)


async def fetch_all(conn: RowReader, sql: str, *args: Any, into: type[T]) -> list[T]:
    """Return every row as `into` (columns by name)."""
    return [_make(into, row) for row in await conn.fetch(sql, *args)]
