"""The error budget of an objective, and the pairs of windows that tell how fast it burns.

A burn rate of 1 uses the budget up exactly at the end of the objective's window. An alert looks at
two windows: the long one says that enough was spent, the short one that it still goes on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tarmac.model.objective import Objective
    from tarmac.model.observability import Severity

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400
#: The window that the workbook's table is for.
TABLE_S = 30 * DAY_S
#: The short window's part of the long one, as the workbook recommends.
SHORT = 1 / 12
#: Less than four scrapes of 30 s say nothing about a rate.
SHORTEST_S = 2 * MINUTE_S


@dataclass(frozen=True)
class Pair:
    """A long and a short window; both must burn faster than the factor."""

    severity: Severity
    long_s: int
    short_s: int
    #: The share of the whole budget that is gone when the long window alone has burned so fast.
    spent: float
    factor: float


#: Google, The Site Reliability Workbook, chapter 5 (Alerting on SLOs), table 5-8: what of 30 days'
#: budget is spent, in which long window, at which burn rate.
TABLE = (
    Pair("critical", 1 * HOUR_S, 5 * MINUTE_S, 0.02, 14.4),
    Pair("critical", 6 * HOUR_S, 30 * MINUTE_S, 0.05, 6),
    Pair("warning", 1 * DAY_S, 2 * HOUR_S, 0.10, 3),
    Pair("warning", 3 * DAY_S, 6 * HOUR_S, 0.10, 1),
)


def target(objective: Objective) -> float:
    """Return the share of requests that must be good, 0 to 1."""
    percent = objective.percent if objective.availability is None else objective.availability
    return round(percent / 100, 10)


def budget(objective: Objective) -> float:
    """Return the share of requests that may be bad, 0 to 1."""
    return round(1 - target(objective), 10)


def remaining(bad: float, allowed: float) -> float:
    """Return what is left of a budget: 1 with nothing bad, 0 with all used up, less beyond."""
    return 1 - bad / allowed


def factor(spent: float, window_s: float, long_s: float) -> float:
    """Return the burn rate that spends a share of a window's budget within a part of it."""
    return spent * window_s / long_s


def pairs(window_s: float) -> tuple[Pair, ...]:
    """Scale the table to an objective's window: the same shares, in the same parts of it.

    Windows are whole multiples of twelve minutes, so that the short one is whole minutes; where
    that or the shortest that can be measured makes a window longer, its burn rate falls. A pair is
    left out once that is below 1: such a burn never uses the budget up.
    """
    found: list[Pair] = []
    for pair in TABLE:
        unit_s = 12 * MINUTE_S
        wished = max(pair.long_s * window_s / TABLE_S, SHORTEST_S / SHORT)
        long_s = round(wished / unit_s) * unit_s
        if window_s == TABLE_S:
            long_s = pair.long_s
        burn = round(factor(pair.spent, window_s, long_s), 6)
        if burn >= 1 and long_s not in (other.long_s for other in found):
            found.append(Pair(pair.severity, long_s, round(long_s * SHORT), pair.spent, burn))
    return tuple(found)


def threshold(pair: Pair, allowed: float) -> float:
    """Return the share of bad requests above which a pair's windows burn too fast."""
    return pair.factor * allowed


def can_fire(pair: Pair, allowed: float) -> bool:
    """Tell whether a pair can fire at all: no more than every request can fail."""
    return threshold(pair, allowed) < 1


def seen_after(window_s: float, above: float, bad: float) -> float | None:
    """Return how long after a clean past a window's share of bad requests passes a threshold.

    None: never, with so few of them bad. Requests come evenly.
    """
    return window_s * above / bad if bad > above else None


def gone_after(window_s: float, above: float, bad: float) -> float | None:
    """Return how long after the end of trouble that filled a window its share is below again.

    None: it was never above.
    """
    return window_s * (1 - above / bad) if bad > above else None


def detection_s(pair: Pair, allowed: float, bad: float) -> float | None:
    """Return how long it takes a pair to fire, if so many requests are bad from now on."""
    found = [seen_after(w, threshold(pair, allowed), bad) for w in (pair.long_s, pair.short_s)]
    return None if None in found else max(filter(None, found))


def reset_s(pair: Pair, allowed: float, bad: float) -> float | None:
    """Return how long it takes a pair to clear, once such trouble is over; None: it never fired."""
    found = [gone_after(w, threshold(pair, allowed), bad) for w in (pair.long_s, pair.short_s)]
    return None if None in found else min(found, key=lambda after_s: after_s or math.inf)
