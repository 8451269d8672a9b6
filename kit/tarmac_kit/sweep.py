"""The safety net under work that is done at once: rows left standing are found and taken on.

Made in a part's `mount` and run by `Chassis.background`. It holds no transaction while a row is
taken on, and knows neither what is due nor how it is done: the part's two functions do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from tarmac_kit.database import Database, DatabaseUnavailable
from tarmac_kit.logs import get_logger

if TYPE_CHECKING:
    from tarmac_kit.database import Connection

Id = TypeVar("Id")

log = get_logger("sweep")


@dataclass(frozen=True)
class Sweep(Generic[Id]):
    """Claims rows that are due, a batch at a time, and advances those of a batch side by side."""

    #: What a row is, in one word for the log: `order`.
    what: str
    database: Database
    #: Answers up to `limit` ids of due rows, and in the same transaction sees to it that they are
    #: not due for as long as an attempt may take (a lease): other replicas sweep too.
    claim: Callable[[Connection, int], Awaitable[Sequence[Id]]]
    #: Takes one row on. What it raises is logged; the row is due again when its lease is over.
    advance: Callable[[Id], Awaitable[object]]
    batch: int = 16

    async def once(self) -> int:
        """Advance one batch of rows that are due; answer how many there were."""
        async with self.database.transaction() as connection:
            claimed = await self.claim(connection, self.batch)
        async with asyncio.TaskGroup() as group:
            for row_id in claimed:
                group.create_task(self._one(row_id))
        return len(claimed)

    async def run(self, *, interval_s: float) -> None:
        """Sweep for as long as the process lives, without a pause while batches are full."""
        while True:
            try:
                found = await self.once()
            except DatabaseUnavailable as error:
                log.warning(
                    "the sweep is waiting for the database", what=self.what, error=str(error)
                )
                found = 0
            if found < self.batch:
                await asyncio.sleep(interval_s)

    async def _one(self, row_id: Id) -> None:
        try:
            await self.advance(row_id)
        except Exception:
            log.exception(
                "the sweep failed; retrying later",
                what=self.what,
                **{f"{self.what}_id": str(row_id)},
            )
