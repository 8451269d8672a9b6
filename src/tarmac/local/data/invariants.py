"""Asks a system's stores whether its invariants hold, and says which rows break them.

Used by `tarmac invariants`, by tests and by whoever disturbs a system and wants to know what that
did. Queries run in read-only transactions, those of one store on one snapshot; between stores there
is none, so the answer counts when the system is at rest. It never waits for that.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from tarmac.errors import TarmacError
from tarmac.local import client
from tarmac.local.data.sql import asking
from tarmac.local.home.paths import Home
from tarmac.model.objective import Invariant
from tarmac.model.system import System

#: A query that takes longer is given up.
QUERY_S = 30.0
#: Schemes of the URLs that are spoken to here.
SQL = ("postgres://", "postgresql://")

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Wrong:
    """A row that breaks an invariant."""

    #: Column -> value, as text where JSON has no such value.
    row: Mapping[str, Any]
    #: Store -> how often it has the row. One store: it should not have it.
    times: Mapping[str, int]

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value}" for name, value in self.row.items())
        if len(self.times) == 1:
            return shown
        return f"{shown}: {', '.join(f'{store} has {n}' for store, n in self.times.items())}"


@dataclass(frozen=True)
class Verdict:
    """What was found of one invariant."""

    name: str
    about: str
    wrong: tuple[Wrong, ...] = ()
    #: Why it could not be asked: a query that the store refuses.
    error: str = ""

    @property
    def holds(self) -> bool:
        """Tell whether it was asked and nothing breaks it."""
        return not self.wrong and not self.error


@dataclass(frozen=True)
class _Found:
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    error: str = ""


def ask(home: Home, system: System) -> tuple[Verdict, ...]:
    """Ask the stores of a namespace that runs.

    Raises:
        TarmacError: a store cannot be reached, or answers no SQL.
    """
    invariants = system.file.invariants
    stores = dict.fromkeys(store for each in invariants.values() for store in each.queries)
    asked = {"verb": "connect", "user": ""}
    urls = {store: client.ask(home, {**asked, "name": store})["url"] for store in stores}
    return asyncio.run(evaluate(invariants, urls))


async def evaluate(
    invariants: Mapping[str, Invariant], urls: Mapping[str, str]
) -> tuple[Verdict, ...]:
    """Ask all of them now.

    Args:
        invariants: as the model has them, by name.
        urls: store -> the URL of its administrator, for every store that they name.

    Returns:
        A verdict each, in their order.

    Raises:
        TarmacError: a store cannot be reached, or answers no SQL.
    """
    asked: dict[str, dict[str, str]] = {}
    for name, invariant in invariants.items():
        for store, query in invariant.queries.items():
            asked.setdefault(store, {})[name] = query
    answers = await asyncio.gather(
        *(_ask(store, urls[store], queries) for store, queries in asked.items())
    )
    found = dict(zip(asked, answers, strict=True))
    return tuple(
        _judge(name, invariant, {store: found[store][name] for store in invariant.queries})
        for name, invariant in invariants.items()
    )


async def _ask(store: str, url: str, queries: Mapping[str, str]) -> dict[str, _Found]:
    """Run queries in one snapshot; one that is refused does not hinder the others."""
    if not url.startswith(SQL):
        kind = url.partition(":")[0]
        raise TarmacError(f"{store}: an invariant asks it in SQL, and it speaks {kind}; ask others")
    found: dict[str, _Found] = {}
    async with (
        asking(store, url, within_s=QUERY_S) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        for name, query in queries.items():
            try:
                async with connection.transaction():
                    found[name] = await _rows(connection, query)
            except asyncpg.PostgresError as error:
                found[name] = _Found(error=f"{store} refuses the query: {error}")
    return found


async def _rows(connection: Any, query: str) -> _Found:
    statement = await connection.prepare(query)
    columns = tuple(attribute.name for attribute in statement.get_attributes())
    rows = await statement.fetch()
    return _Found(columns, tuple(tuple(_plain(value) for value in row) for row in rows))


def _judge(name: str, invariant: Invariant, found: Mapping[str, _Found]) -> Verdict:
    errors = "; ".join(each.error for each in found.values() if each.error)
    if errors:
        return Verdict(name, invariant.about, error=errors)
    widths = {store: len(each.columns) for store, each in found.items()}
    if len({*widths.values()}) > 1:
        counts = ", ".join(f"{store} {width}" for store, width in widths.items())
        error = f"its queries give different numbers of columns ({counts}); select the same"
        return Verdict(name, invariant.about, error=error)
    counted = {store: Counter(each.rows) for store, each in found.items()}
    wrong = []
    for row in dict.fromkeys(row for each in found.values() for row in each.rows):
        times = {store: rows[row] for store, rows in counted.items()}
        if len(times) == 1 or len({*times.values()}) > 1:
            columns = next(found[store].columns for store, count in times.items() if count)
            wrong.append(Wrong(dict(zip(columns, row, strict=True)), times))
    return Verdict(name, invariant.about, tuple(wrong))


def _plain(value: Any) -> Any:
    """Make values of two stores comparable, and fit for JSON."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value.normalize())
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, list | tuple):
        return tuple(_plain(each) for each in value)
    return value.hex() if isinstance(value, bytes) else str(value)
