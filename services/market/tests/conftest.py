"""A market in memory, whose clock moves when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tarmac_kit import DatabaseUnavailable
from tarmac_kit_testing import FakeDatabase
from tarmac_market.domain import Calendar, Instrument
from tarmac_market.service import Market
from tarmac_market.stream import Streams

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
TARM = Instrument("TARM", "Tarmac Roads", "USD", 12_500, 200)
HELX = Instrument("HELX", "Helix Bio", "USD", 4_000, 400)


class Clock:
    """The time, as a market and a stream read it; `sleep` moves it on and lasts no time."""

    def __init__(self) -> None:
        self.now = EPOCH + timedelta(days=20, hours=3)
        self.slept_s: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.now.timestamp()

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.advance(seconds)


class Instruments:
    """An instrument repository in memory, whose database may be away."""

    def __init__(self, *known: Instrument) -> None:
        self.known = {instrument.symbol: instrument for instrument in known}
        self.away = False
        self.asked = 0
        self._often = asyncio.Semaphore(0)

    async def asked_often(self, times: int) -> None:
        """Wait until somebody has asked so often from now on."""
        self._often = asyncio.Semaphore(0)
        for _ in range(times):
            await self._often.acquire()

    def _ask(self) -> None:
        self.asked += 1
        self._often.release()
        if self.away:
            raise DatabaseUnavailable("market-db cannot be reached")

    async def all(self, _connection: Any) -> Sequence[Instrument]:
        self._ask()
        return list(self.known.values())

    async def find(self, _connection: Any, symbol: str) -> Instrument | None:
        self._ask()
        return self.known.get(symbol)

    async def add(self, _connection: Any, new: Instrument) -> bool:
        self._ask()
        return self.known.setdefault(new.symbol, new) is new


class World:
    """A market, its clock and its streams."""

    def __init__(self, *, tick_s: float = 1.0) -> None:
        self.clock = Clock()
        self.instruments = Instruments(TARM, HELX)
        self.draining = False
        self.market = Market(
            database=FakeDatabase(),  # type: ignore[arg-type]
            repository=self.instruments,  # type: ignore[arg-type]
            calendar=Calendar(EPOCH, tick_s),
            seed="test",
            now=self.clock,
        )
        self.streams = Streams(
            self.market,
            heartbeat_s=15.0,
            most=2,
            draining=lambda: self.draining,
            sleep=self.clock.sleep,
            monotonic=self.clock.monotonic,
        )


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def slow_world() -> World:
    """Give a market whose prices stand for a minute."""
    return World(tick_s=60.0)
