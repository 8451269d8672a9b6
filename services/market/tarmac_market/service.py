"""What can be traded and what it costs now, cost before, and will be said to cost next.

Called by the endpoints and the stream. Instruments are kept in memory and looked up again now and
then; prices come from the walk. So quotes need no database, and no process remembers anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tarmac_kit import Database, DatabaseUnavailable, Problem, get_logger
from tarmac_market.domain import Calendar, Instrument, Quote, Walk
from tarmac_market.repository import InstrumentRepository

log = get_logger(__name__)


def utc_now() -> datetime:
    """Read the machine's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Market:
    """The instruments and their quotes."""

    database: Database
    repository: InstrumentRepository
    calendar: Calendar
    seed: str
    now: Callable[[], datetime] = utc_now
    _known: dict[str, Instrument] = field(default_factory=dict)

    def tick(self) -> int:
        """Return which tick it is."""
        return self.calendar.tick(self.now())

    async def refresh(self) -> None:
        """Look up all instruments."""
        async with self.database.connection() as connection:
            found = await self.repository.all(connection)
        self._known.clear()
        self._known.update((instrument.symbol, instrument) for instrument in found)

    async def try_to_refresh(self) -> None:
        """Look up all instruments; a database that is away leaves those that are known."""
        try:
            await self.refresh()
        except DatabaseUnavailable as error:
            log.warning("the instruments stay as they were", error=str(error))

    async def keep_fresh(self, *, interval_s: float) -> None:
        """Look up all instruments for as long as the process lives."""
        while True:
            await self.try_to_refresh()
            await asyncio.sleep(interval_s)

    async def instruments(self) -> Sequence[Instrument]:
        """List what can be traded, by symbol."""
        if not self._known:
            await self.try_to_refresh()
        return [self._known[symbol] for symbol in sorted(self._known)]

    async def instrument(self, symbol: str) -> Instrument:
        """Return one instrument, also one that was listed elsewhere just now; else problem 404."""
        if symbol not in self._known:
            async with self.database.connection() as connection:
                found = await self.repository.find(connection, symbol)
            if found is None:
                raise Problem(404, "symbol_unknown", "There is no such instrument", symbol)
            self._known[symbol] = found
        return self._known[symbol]

    async def chosen(self, symbols: Sequence[str]) -> Sequence[Instrument]:
        """Return the instruments of `symbols`, each once; all of them when none is named."""
        if not symbols:
            return await self.instruments()
        return [await self.instrument(symbol) for symbol in dict.fromkeys(symbols)]

    async def add(self, new: Instrument) -> None:
        """List an instrument; one whose symbol is taken is a problem 409."""
        async with self.database.transaction() as connection:
            added = await self.repository.add(connection, new)
        if not added:
            raise Problem(409, "symbol_taken", "This symbol is listed already", new.symbol)
        self._known[new.symbol] = new

    def quote(self, instrument: Instrument, tick: int | None = None) -> Quote:
        """Return what an instrument costs during `tick`, or now."""
        tick = self.tick() if tick is None else tick
        walk = Walk(self.seed, instrument)
        return Quote(
            symbol=instrument.symbol,
            currency=instrument.currency,
            price_minor=walk.price_minor(tick),
            open_minor=walk.price_minor(self.calendar.opening(tick)),
            at=self.calendar.at(tick),
            seq=tick,
        )

    def history(
        self, instrument: Instrument, *, limit: int, step: int, before: int | None
    ) -> list[Quote]:
        """List up to `limit` quotes that are `step` ticks apart, oldest first, the last one now.

        With `before` the last one is the tick before it. None is of before the epoch or of later
        than now.
        """
        last = self.tick() if before is None else min(before - 1, self.tick())
        ticks = range(last, -1, -step)[:limit]
        return [self.quote(instrument, tick) for tick in reversed(ticks)]
