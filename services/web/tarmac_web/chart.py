"""A price's way as an SVG path and its axis, computed on the server. Pure.

Called by templates. Everything is rounded to a tenth of a unit, so that the page stays small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from tarmac_web import money


@dataclass(frozen=True)
class Tick:
    """A line of the axis: its height and what stands there."""

    y: float
    label: str


@dataclass(frozen=True)
class Chart:
    """What a template draws: paths in a box of `width` by `height`."""

    width: int
    height: int
    line: str
    area: str
    ticks: tuple[Tick, ...]
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
    width: int = 720,
    height: int = 260,
    axis: int = 64,
) -> Chart | None:
    """Return the chart of `prices` (minor units, oldest first); None for fewer than two."""
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
        Tick(y(price), money.plain(price, currency)) for price in _round_prices(low, high)
    )
    opened = open_minor is not None and bottom <= open_minor <= top
    return Chart(
        width=width,
        height=height,
        line=path,
        area=f"{path}L{inner:g} {height}L0 {height}Z",
        ticks=ticks,
        last_x=points[-1][0],
        last_y=points[-1][1],
        open_y=y(open_minor) if opened and open_minor is not None else None,
        low=money.plain(low, currency),
        high=money.plain(high, currency),
    )


def _round_prices(low: int, high: int) -> list[int]:
    """Return three to six round prices between the two."""
    raw = max((high - low) / 4, 1)
    power = 10 ** (len(str(int(raw))) - 1)
    step = next(int(power * each) for each in (1, 2, 2.5, 5, 10) if power * each >= raw)
    step = max(step, 1)
    first = -(-low // step) * step
    return [int(Decimal(price)) for price in range(first, high + 1, step)][:6] or [low]
