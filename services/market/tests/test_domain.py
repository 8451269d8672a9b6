"""The walk: the same for ever, a walk indeed, and within its bounds."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import mean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac_market.domain import (
    HORIZON_BITS,
    UNIT,
    Calendar,
    Instrument,
    Walk,
    reflect,
    walked,
)

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
TARM = Instrument("TARM", "Tarmac Roads", "USD", 12_500, 200)
LAST = (1 << HORIZON_BITS) - 1
PRICES = [12500, 12499, 12500, 12501, 12400, 9569]


def test_prices_are_these_for_ever() -> None:
    # A change of the walk changes what every trade was made at: never change these.
    walk = Walk("tarmac", TARM)
    assert [walk.price_minor(tick) for tick in (0, 1, 2, 3, 86_400, 28_000_000)] == PRICES


def test_another_process_that_begins_elsewhere_says_the_same_price() -> None:
    code = (
        "from tarmac_market.domain import Instrument, Walk\n"
        "print(Walk('tarmac', Instrument('TARM', '', 'USD', 12500, 200)).price_minor(28000000))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == PRICES[-1]


def test_seed_and_symbol_make_another_walk() -> None:
    other = Instrument("HELX", "Tarmac Roads", "USD", 12_500, 200)
    walks = [Walk("tarmac", TARM), Walk("other", TARM), Walk("tarmac", other)]
    assert len({tuple(walk.price_minor(tick) for tick in range(1, 20)) for walk in walks}) == 3


def test_it_walks_as_far_as_its_spread_says_and_without_a_memory() -> None:
    at = [walked("spread", tick) / UNIT for tick in range(1 << 14)]
    steps = [after - before for before, after in pairwise(at)]
    assert pstdev(steps) == pytest.approx(1, rel=0.05)
    far = [after - before for before, after in zip(at, at[256:], strict=False)]
    assert pstdev(far) == pytest.approx(16, rel=0.3)
    pairs = pairwise(steps)
    assert abs(mean(one * next_ for one, next_ in pairs)) < 0.05


@given(st.integers(0, LAST), st.integers(100, 10**9), st.integers(1, 10_000))
def test_a_price_stays_around_its_base(tick, base_minor, volatility_ppm) -> None:
    walk = Walk("any", Instrument("ANY", "", "USD", base_minor, volatility_ppm))
    assert base_minor * 4 // 10 - 1 <= walk.price_minor(tick) <= base_minor * 16 // 10 + 1
    assert walk.price_minor(tick) > 0


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_what_is_reflected_stays_within_and_moves_no_further_than_before(value, bound) -> None:
    assert -bound <= reflect(value, bound) <= bound
    assert abs(reflect(value + 1, bound) - reflect(value, bound)) <= 1
    if -bound <= value <= bound:
        assert reflect(value, bound) == value


@pytest.mark.parametrize("tick", [-1, LAST + 2])
def test_beyond_the_horizon_there_is_no_price(tick) -> None:
    with pytest.raises(ValueError, match="take 0 to"):
        walked("any", tick)


def test_a_tick_begins_when_the_calendar_says() -> None:
    calendar = Calendar(EPOCH, 0.25)
    assert calendar.tick(EPOCH) == 0
    assert calendar.tick(EPOCH + timedelta(seconds=0.3)) == 1
    assert calendar.at(5) == EPOCH + timedelta(seconds=1.25)
    assert calendar.tick(EPOCH - timedelta(days=1)) == 0
    assert calendar.tick(datetime.max.replace(tzinfo=UTC)) <= LAST


def test_a_day_opens_with_its_first_tick() -> None:
    calendar = Calendar(EPOCH + timedelta(hours=5), 60)
    late = calendar.tick(EPOCH + timedelta(days=3, hours=7, seconds=30))
    assert calendar.at(calendar.opening(late)) == EPOCH + timedelta(days=3)
    assert calendar.opening(10) == 0
