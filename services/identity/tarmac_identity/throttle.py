"""How long a login waits after failures: a delay that grows, and failures that are forgotten.

Pure values over ages in seconds. logins.py keeps one level for each source of an account and one
for the account. No attempt is counted while it has to wait, so waiting is never made longer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Failures:
    """The failures of a source: their level when the last one was counted, and its age."""

    level: float = 0.0
    age_s: float = 0.0


NONE = Failures()


@dataclass(frozen=True)
class Throttle:
    """Delays after `free` failures: `first_s`, then twice as long each time, up to `longest_s`."""

    free: int
    first_s: float
    longest_s: float
    #: One failure is forgotten in this time.
    forget_s: float

    def delay_s(self, level: float) -> float:
        """Return the delay that follows a failure with which the level became `level`."""
        failures = math.ceil(level)  # one counts until it is forgotten wholly
        if failures < self.free:
            return 0.0
        return float(min(self.longest_s, self.first_s * 2 ** (failures - self.free)))

    def wait_s(self, failures: Failures) -> float:
        """Return how long the next attempt has to wait now."""
        return max(0.0, self.delay_s(failures.level) - max(0.0, failures.age_s))

    def after_failure(self, failures: Failures) -> float:
        """Return the level after one more failure now."""
        forgotten = max(0.0, failures.age_s) / self.forget_s
        # No higher than the longest delay needs: what is over is forgotten in a bounded time.
        most = self.free + math.log2(max(1.0, self.longest_s / self.first_s)) + 1
        return min(most, max(0.0, failures.level - forgotten) + 1)

    @property
    def forgotten_s(self) -> float:
        """Return the age at which no failures are left, however many there were."""
        return self.after_failure(Failures(math.inf)) * self.forget_s
