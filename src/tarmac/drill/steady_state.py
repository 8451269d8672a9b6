"""The steady state of a system: what its objectives and invariants say of it, as it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tarmac.plan.slo.live import Counts

POLL_S = 0.2


class BrokenInvariant(NamedTuple):
    """An invariant that does not hold, and what breaks it."""

    name: str
    why: str


@dataclass(frozen=True)
class CountedObjective:
    """An objective of one service, over the time of a drill."""

    name: str
    sentence: str
    #: The share of requests that must be good, 0 to 1.
    target: float
    #: None: they could not be counted.
    counts: Counts | None


@dataclass(frozen=True)
class SteadyState:
    """How a drill asks; what runs the system implements it."""

    #: Those of these invariants that do not hold now; of all for None.
    broken: Callable[[Iterable[str] | None], Sequence[BrokenInvariant]]
    #: These objectives over what was requested since then, in seconds since the epoch.
    objectives: Callable[[Iterable[str] | None, float], Sequence[CountedObjective]]
    #: Requests that each instance of a service answered since then; none where nothing counts them.
    requests: Callable[[str, float], Mapping[str, float]]

    def settled(self, names: Iterable[str] | None, within_s: float) -> Sequence[BrokenInvariant]:
        """Wait until all these invariants hold; returns those that do not in time."""
        names = None if names is None else tuple(names)
        end = time.monotonic() + within_s
        while (broken := self.broken(names)) and time.monotonic() < end:
            time.sleep(POLL_S)
        return broken
