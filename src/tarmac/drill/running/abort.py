"""Tells whether a drill must stop at once: its abort rule, from what the load says meanwhile."""

from __future__ import annotations

import time

from tarmac.drill.file.drill_file import Abort
from tarmac.drill.load.process import LoadProcess

POLL_S = 0.05


class AbortWatch:
    """True, when called, once more visits have failed than the rule allows."""

    def __init__(self, rule: Abort | None, load: LoadProcess) -> None:
        self._rule = rule
        self._load = load
        self._seen: list[tuple[float, int, int]] = []

    def __call__(self) -> bool:
        if self._rule is None:
            return False
        now = time.monotonic()
        self._seen.append((now, self._load.good, self._load.failed))
        while len(self._seen) > 1 and self._seen[1][0] <= now - self._rule.over:
            self._seen.pop(0)
        since, good, failed = self._seen[0]
        many = self._load.good - good + self._load.failed - failed
        if now - since < self._rule.over or not many:
            return False
        return 100 * (self._load.failed - failed) / many >= self._rule.failed

    def sleep_until(self, end: float) -> None:
        """Wait until then, or until the rule is met."""
        while not self() and (left_s := end - time.monotonic()) > 0:
            time.sleep(min(left_s, POLL_S))
