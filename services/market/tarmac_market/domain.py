"""Instruments, the market's clock, and the walk that prices take.

Used by the service, and by tests that want to know what a price will be. Pure: a price is a
function of seed, symbol and tick, in integers alone, so that every replica and machine agrees.

The walk is a Brownian one, laid down from the coarse to the fine: the value half-way between two
known ticks is their mean and a random part, whose size is that of a walk over such a distance. Any
tick costs 40 such steps at most, and its neighbour one or two more.
"""

from __future__ import annotations

import hashlib
import math
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

#: The walk's spread over one tick: that of twelve numbers of 16 bits, added up.
UNIT = 1 << 16
#: Ticks that there are: 2^40 are 34,000 years of seconds.
HORIZON_BITS = 40
#: How far a price strays from its base at most, in millionths; there it turns back.
BOUND_PPM = 600_000
MILLION = 1_000_000

_TWELVE = struct.Struct("<12H")
_MEAN = 12 * 65_535 // 2
#: The square root of 2^k, times 2^16.
_ROOTS = tuple(math.isqrt(1 << (k + 32)) for k in range(HORIZON_BITS + 1))
#: Values of walks that are kept: those of the coarse levels are needed for every tick.
_KEPT = 1 << 15


@dataclass(frozen=True)
class Instrument:
    """Something that can be traded."""

    symbol: str
    name: str
    currency: str
    #: The price around which it moves.
    base_minor: int
    #: The spread of its price over one tick, in millionths of the base.
    volatility_ppm: int


@dataclass(frozen=True)
class Quote:
    """What an instrument costs during one tick."""

    symbol: str
    currency: str
    price_minor: int
    #: The day's first price (UTC).
    open_minor: int
    at: datetime
    #: The tick.
    seq: int


@dataclass(frozen=True)
class Calendar:
    """Which tick it is when."""

    epoch: datetime
    tick_s: float

    def tick(self, now: datetime) -> int:
        """Return which tick `now` lies in; before the epoch it is tick 0."""
        passed = (now - self.epoch) / timedelta(seconds=self.tick_s)
        return min(max(0, math.floor(passed)), (1 << HORIZON_BITS) - 1)

    def at(self, tick: int) -> datetime:
        """Return when a tick begins."""
        return self.epoch + tick * timedelta(seconds=self.tick_s)

    def opening(self, tick: int) -> int:
        """Return which was the first tick of a tick's day (UTC)."""
        day = self.at(tick).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        begun = math.ceil((day - self.epoch) / timedelta(seconds=self.tick_s))
        return min(max(0, begun), tick)


@dataclass(frozen=True)
class Walk:
    """The prices of one instrument, from a seed."""

    seed: str
    instrument: Instrument

    def price_minor(self, tick: int) -> int:
        """Return the price during `tick`, from 0.4 to 1.6 times the base."""
        of = self.instrument
        strayed = walked(f"{self.seed}/{of.symbol}", tick) * of.volatility_ppm
        bounded = reflect(strayed, BOUND_PPM * UNIT)
        return of.base_minor + of.base_minor * bounded // (MILLION * UNIT)


def reflect(value: int, bound: int) -> int:
    """Fold `value` into -bound .. bound, as if it were thrown back at both ends."""
    there = (value + bound) % (4 * bound)
    return min(there, 4 * bound - there) - bound


@lru_cache(maxsize=_KEPT)
def walked(key: str, tick: int) -> int:
    """Return where the walk of `key` is at `tick`, in UNIT; at tick 0 it is at 0.

    Raises ValueError beyond the horizon.
    """
    if tick == 0:
        return 0
    if tick == 1 << HORIZON_BITS:
        return _random(key, tick) * _ROOTS[HORIZON_BITS] >> 16
    if not 0 < tick < 1 << HORIZON_BITS:
        raise ValueError(f"tick: there is none ({tick}); take 0 to 2^{HORIZON_BITS}")
    # The ticks that it lies half-way between are those one step of its lowest bit away.
    half = tick & -tick
    levels = half.bit_length()
    mean = (walked(key, tick - half) + walked(key, tick + half)) >> 1
    return mean + (_random(key, tick) * _ROOTS[levels] >> 17)


def _random(key: str, tick: int) -> int:
    """Return a number with mean 0 and a spread of UNIT, nearly normal, the same for ever."""
    digest = hashlib.blake2b(f"{key}@{tick}".encode(), digest_size=_TWELVE.size).digest()
    return int(sum(_TWELVE.unpack(digest))) - _MEAN
