"""A price's way as an SVG path and its axis, computed on the server. Pure.

Called by templates. Everything is rounded to a tenth of a unit, so that the page stays small.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tarmac_web import money

#: Round times, in seconds, and their units.
_STEPS_S = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 10_800, 21_600, 43_200)
_UNITS = ((3600, "h"), (60, "min"), (1, "s"))
MOST_MOMENTS = 6


@dataclass(frozen=True)
class Tick:
    """A line of the axis: its height and what stands there."""

    y: float
    label: str


@dataclass(frozen=True)
class Moment:
    """A time below the chart: where, what stands there, and at which side of the chart it is."""

    x: float
    label: str
    side: str = ""


@dataclass(frozen=True)
class Chart:
    """What a template draws: paths in an area of `width` by `height`."""

    width: int
    height: int
    line: str
    area: str
    ticks: tuple[Tick, ...]
    #: Below it, the oldest first; none where it is not known how long the prices took.
    moments: tuple[Moment, ...]
    #: Where the last price is.
    last_x: float
    last_y: float
    #: The height of the price that the day opened with; None when it is outside.
    open_y: float | None
    low: str
    high: str


def line(
    prices: Sequence[int],
    *,
    currency: str,
    open_minor: int | None = None,
    seconds: float = 0,
    width: int = 720,
    height: int = 260,
    axis: int = 64,
) -> Chart | None:
    """Return the chart of `prices` (minor units, oldest first); None for fewer than two.

    `seconds` is how long ago the first of them was, for the axis of time.
    """
    if len(prices) < 2:
        return None
    low, high = min(prices), max(prices)
    span = max(high - low, 1)
    top, bottom = high + span * 0.08, low - span * 0.08
    inner = width - axis

    def y(price: float) -> float:
        return round((top - price) / (top - bottom) * height, 1)

    step = inner / (len(prices) - 1)
    points = [(round(index * step, 1), y(price)) for index, price in enumerate(prices)]
    path = "M" + "L".join(f"{x:g} {at:g}" for x, at in points)
    ticks = tuple(
        Tick(y(price), money.shown(price, currency)) for price in _round_prices(low, high)
    )
    opened = open_minor is not None and bottom <= open_minor <= top
    return Chart(
        width=width,
        height=height,
        line=path,
        area=f"{path}L{inner:g} {height}L0 {height}Z",
        ticks=ticks,
        moments=tuple(_moments(seconds, inner)) if seconds > 0 else (),
        last_x=points[-1][0],
        last_y=points[-1][1],
        open_y=y(open_minor) if opened and open_minor is not None else None,
        low=money.shown(low, currency),
        high=money.shown(high, currency),
    )


def _moments(seconds: float, inner: float) -> Iterator[Moment]:
    """Yield round times before now, which stay true while the chart moves on with its prices."""
    step = next((step_s for step_s in _STEPS_S if seconds / step_s <= MOST_MOMENTS), _STEPS_S[-1])
    for number in range(int(seconds // step), 0, -1):
        ago = number * step
        unit, name = next((s, n) for s, n in _UNITS if ago % s == 0)
        x = round(inner * (1 - ago / seconds), 1)
        yield Moment(x, f"{money.MINUS}{ago // unit} {name}", "first" if x < inner / 20 else "")
    yield Moment(inner, "now", "last")


def _round_prices(low: int, high: int) -> list[int]:
    """Return three to six round prices between the two."""
    raw = max((high - low) / 4, 1)
    power = 10 ** (len(str(int(raw))) - 1)
    step = next(int(power * factor) for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw)
    step = max(step, 1)
    first = -(-low // step) * step
    return [int(Decimal(price)) for price in range(first, high + 1, step)][:6] or [low]
