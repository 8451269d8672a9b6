"""The `StoreRecovery` of a running store: calls are requests of `recoveries`.

Marks are written past the supervisor, as a user's rows are: they go on while it is busy, up to the
very moment at which the data is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tarmac.base.target import RowComparison
from tarmac.catalog.stores.contents import Marks
from tarmac.run.local.stores import contents
from tarmac.run.local.supervisor import drill_requests as ask
from tarmac.run.local.supervisor.requests import Ask


class LocalRecovery:
    """One store, asked over the connection of its target."""

    def __init__(self, store: str, url: str, requests: Ask) -> None:
        """Take the URL of the store's administrator."""
        self._store = store
        self._url = url
        self._ask = requests
        self._marks: Marks | None = None
        #: Keeps the connection of the marks between two of them.
        self._loop = asyncio.Runner()

    def close(self) -> None:
        """Close the connection of the marks."""
        if self._marks is not None:
            self._loop.run(self._marks.close())
        self._loop.close()

    def back_up(self, every_s: float, *, synchronous: bool) -> None:
        """Make a backup, and have what changes afterwards archived."""
        self._ask(ask.BackUp(self._store, every_s, synchronous))

    def mark(self, number: int) -> None:
        """Write a mark; it is committed once this returns."""
        if self._marks is None:
            self._marks = contents.marks(self._url).opened(self._url)
        self._loop.run(self._marks.write(number))

    def marks(self) -> Sequence[int]:
        """List the marks that are there."""
        return asyncio.run(contents.marks(self._url).written(self._url))

    def take_down_rows(self) -> int:
        """Remember the rows of its users as they are now; returns how many there are."""
        return self._ask(ask.TakeDownRows(self._store))

    def lose_data(self) -> None:
        """Kill it and delete its data; it stays down."""
        self._ask(ask.LoseData(self._store))

    def data_mb(self) -> float:
        """Return how much data it has, in MB of a million bytes."""
        return self._ask(ask.DataSize(self._store))

    def restore_data(self) -> None:
        """Put its data back from the backup and the archive, and let it start."""
        self._ask(ask.RestoreData(self._store))

    def compare_rows(self) -> RowComparison:
        """Compare its users' rows with those before the loss, and with those taken down earlier."""
        return self._ask(ask.CompareRows(self._store))
