"""What the two versions of a service did in one analysis run, and what may be said of it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from tarmac.plan.analysis import Analysis, AnalysisRun, is_good
from tarmac.target import Answers

#: Answers of a server's own fault; and those to requests that their clients broke off, which count
#: for nothing, as in an objective.
FAILED, BROKEN_OFF = 500, frozenset({408, 499})
#: Requests by which a share may be wrong: each edge splits its own.
SPARE, SPARE_SHARE = 3, 0.05


@dataclass(frozen=True)
class Window:
    """One version between two readings."""

    sent: int
    run: AnalysisRun
    failed: int

    @classmethod
    def between(cls, before: Answers, after: Answers) -> Window:
        """Subtract one reading from another."""
        statuses = Counter(after.statuses)
        statuses.subtract(before.statuses)
        durations = Counter(after.durations)
        durations.subtract(before.durations)
        many = sum(n for status, n in statuses.items() if status not in BROKEN_OFF)
        failed = sum(n for status, n in statuses.items() if status >= FAILED)
        success = 100 * (1 - failed / many) if many else 0.0
        run = AnalysisRun(many, success, _p99_s(durations))
        return cls(after.sent - before.sent, run, failed)

    def sentence(self) -> str:
        """Say it in short."""
        if not self.run.requests:
            return f"{self.sent} requests, none answered"
        success = math.floor(10 * self.run.success) / 10  # what is not all never reads as all
        p99_ms = 1000 * self.run.p99_s
        return f"{self.sent} requests, success {success:g} %, p99 {p99_ms:.0f} ms"


@dataclass(frozen=True)
class AnalysisWindow:
    """Both versions in one analysis run."""

    #: Percent of the requests that the new version was to get.
    weight: int
    new: Window
    stable: Window

    def sentence(self) -> str:
        """Say what was seen."""
        return f"{self.weight} %: {self.new.sentence()}; stable: {self.stable.sentence()}"

    @property
    def has_share(self) -> bool:
        """Whether the new version got what it was to get."""
        wanted = self.weight / 100 * (self.new.sent + self.stable.sent)
        return abs(self.new.sent - wanted) <= SPARE + SPARE_SHARE * wanted

    def is_comparable(self, asked: Analysis) -> bool:
        """Tell whether the stable version would have passed: else the machine failed, not the new.

        Where it got too few requests to say so, it is not asked.
        """
        return self.stable.run.requests < asked.requests or is_good(asked, self.stable.run)


def _p99_s(durations: Counter[float]) -> float:
    """Return the time that 99 of 100 answers did not exceed; endless without any."""
    wanted, reached = 0.99 * durations.total(), 0
    for took_s, many in sorted(durations.items()):
        reached += many
        if many and reached >= wanted:
            return took_s
    return math.inf
