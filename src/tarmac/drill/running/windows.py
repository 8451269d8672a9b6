"""What the two versions of a service did in one analysis run, and what may be said of it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from tarmac.base.target import Answers
from tarmac.plan.analysis import Analysis, AnalysisRun, is_good
from tarmac.plan.slo import indicator
from tarmac.run.local.network.durations import reached

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
        """Subtract one reading from another; what counts is what does in an objective."""
        statuses = Counter(after.statuses)
        statuses.subtract(before.statuses)
        durations = Counter(after.durations)
        durations.subtract(before.durations)
        labelled = [({"status": str(status)}, n) for status, n in statuses.items()]
        many = sum(n for labels, n in labelled if indicator.is_counted(labels))
        failed = sum(n for labels, n in labelled if indicator.is_failed(labels))
        success = 100 * (1 - failed / many) if many else 0.0
        p99_s = reached(durations, 0.99)
        run = AnalysisRun(many, success, math.inf if p99_s is None else p99_s)
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
        """Return what was seen."""
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
