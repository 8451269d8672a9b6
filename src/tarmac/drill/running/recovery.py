"""Finds the time at which visits go as before: seconds in a row without a failed or a slow one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from tarmac.drill.load.generator import WINDOW_S
from tarmac.drill.load.process import LoadProcess, Visits

#: So many seconds in a row make a recovery. Slow: the median is more than so many times that of
#: the baseline, and by more than a little.
WELL_SECONDS, SLOW_TIMES, SLOW_S = 3, 2.0, 0.02
POLL_S = 0.1


def recovered_after(
    seconds: Sequence[Visits], before: Visits, last_s: float, limit_s: float
) -> float | None:
    """Find how long after the last fault's end, in seconds, visits went as before.

    Args:
        seconds: the visits by second of the load.
        before: the visits of the baseline.
        last_s: when the last fault ended, in seconds of the load.
        limit_s: what a recovery may take.

    Returns:
        None where it took longer, or is not to be seen yet.
    """
    slow_s = max(SLOW_TIMES * before.percentile_s(50), before.percentile_s(50) + SLOW_S)
    well = [
        visits.many > 0 and not visits.failed and visits.percentile_s(50) <= slow_s
        for visits in seconds
    ]
    latest = math.ceil((last_s + limit_s) / WINDOW_S)
    for second in range(math.ceil(last_s / WINDOW_S), min(len(well) - WELL_SECONDS, latest) + 1):
        if all(well[second : second + WELL_SECONDS]):
            return max(0.0, second * WINDOW_S - last_s)
    return None


def await_recovery(
    load: LoadProcess,
    before: Visits,
    last_s: float,
    limit_s: float,
    *,
    began: float,
    is_aborted: Callable[[], bool],
) -> None:
    """Wait, as the load runs, until visits go as before or it is too late for that.

    Args:
        began: when the load began, monotonic.
    """
    end = began + last_s + limit_s + (WELL_SECONDS + 1) * WINDOW_S
    while time.monotonic() < end and not is_aborted():
        if recovered_after(load.windows(), before, last_s, limit_s) is not None:
            return
        time.sleep(POLL_S)
