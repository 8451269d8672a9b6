"""Asks a system's stores whether its invariants hold, and says which rows break them.

Used by `tarmac invariants` and by tests, crash tests among them. Queries run in read-only
transactions, those of one store on one snapshot; between stores there is none, so the answer counts
when the system is quiescent. It never waits for that.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from tarmac.base.errors import TarmacError
from tarmac.model.objective import Invariant
from tarmac.model.system import System
from tarmac.run.local.stores import contents

#: A query that takes longer is given up.
QUERY_S = 30.0
#: How often it is asked until all hold.
POLL_S = 0.2

Row = tuple[Any, ...]


@dataclass(frozen=True)
class ViolatingRow:
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
class InvariantResult:
    """What was found of one invariant."""

    name: str
    about: str
    wrong: tuple[ViolatingRow, ...] = ()
    #: Why it could not be asked: a query that the store refuses.
    error: str = ""

    @property
    def holds(self) -> bool:
        """Tell whether it was asked and nothing breaks it."""
        return not self.wrong and not self.error


@dataclass(frozen=True)
class QueryResult:
    """The rows of one query, or why the store refused it."""

    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    error: str = ""


def ask(system: System, url_of: Callable[[str], str]) -> tuple[InvariantResult, ...]:
    """Ask the stores of a system that runs.

    Args:
        url_of: gives the URL of a store's administrator.

    Raises:
        TarmacError: a store cannot be reached, or answers no SQL.
    """
    invariants = system.file.invariants
    stores = dict.fromkeys(
        store for invariant in invariants.values() for store in invariant.queries
    )
    return asyncio.run(evaluate(invariants, {store: url_of(store) for store in stores}))


def ask_within(
    system: System, url_of: Callable[[str], str], within_s: float
) -> tuple[InvariantResult, ...]:
    """Ask again until no row breaks one, or the time is over; raises as `ask`."""
    end = time.monotonic() + within_s
    while True:
        results = ask(system, url_of)
        if time.monotonic() >= end or not any(result.wrong for result in results):
            return results
        time.sleep(POLL_S)


async def evaluate(
    invariants: Mapping[str, Invariant], urls: Mapping[str, str]
) -> tuple[InvariantResult, ...]:
    """Ask all of them now.

    Args:
        invariants: as the model has them, by name.
        urls: store -> the URL of its administrator, for every store that they name.

    Returns:
        A result each, in their order.

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
        judge(name, invariant, {store: found[store][name] for store in invariant.queries})
        for name, invariant in invariants.items()
    )


async def _ask(store: str, url: str, queries: Mapping[str, str]) -> dict[str, QueryResult]:
    """Run queries in one snapshot; one that is refused does not hinder the others."""
    if contents.of(url).ask is None:
        kind = contents.scheme_of(url)
        raise TarmacError(
            f"{store}: an invariant needs SQL, but this store is {kind}; query another store"
        )
    found: dict[str, QueryResult] = {}
    async with (
        contents.asking(store, url, within_s=QUERY_S) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        for name, query in queries.items():
            try:
                async with connection.transaction():
                    found[name] = await _rows(connection, query)
            except asyncpg.PostgresError as error:
                found[name] = QueryResult(error=f"{store} rejected the query: {error}")
    return found


async def _rows(connection: Any, query: str) -> QueryResult:
    return await fetch(await connection.prepare(query))


async def fetch(statement: Any) -> QueryResult:
    """Run a prepared query (asyncpg's); values as two stores can be compared by them."""
    columns = tuple(attribute.name for attribute in statement.get_attributes())
    rows = await statement.fetch()
    return QueryResult(columns, tuple(tuple(_plain(value) for value in row) for row in rows))


def judge(name: str, invariant: Invariant, found: Mapping[str, QueryResult]) -> InvariantResult:
    """Say from the results of its queries, by store, whether an invariant holds."""
    errors = "; ".join(result.error for result in found.values() if result.error)
    if errors:
        return InvariantResult(name, invariant.about, error=errors)
    widths = {store: len(result.columns) for store, result in found.items()}
    if len({*widths.values()}) > 1:
        counts = ", ".join(f"{store} {width}" for store, width in widths.items())
        error = (
            f"its queries return different numbers of columns ({counts}); select the same columns"
        )
        return InvariantResult(name, invariant.about, error=error)
    counted = {store: Counter(result.rows) for store, result in found.items()}
    wrong = []
    for row in dict.fromkeys(row for result in found.values() for row in result.rows):
        times = {store: rows[row] for store, rows in counted.items()}
        if len(times) == 1 or len({*times.values()}) > 1:
            columns = next(found[store].columns for store, count in times.items() if count)
            wrong.append(ViolatingRow(dict(zip(columns, row, strict=True)), times))
    return InvariantResult(name, invariant.about, tuple(wrong))


def _plain(value: Any) -> Any:
    """Make values of two stores comparable, and fit for JSON."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value.normalize())
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, list | tuple):
        return tuple(_plain(item) for item in value)
    return value.hex() if isinstance(value, bytes) else str(value)
