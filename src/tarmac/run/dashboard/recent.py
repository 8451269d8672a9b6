"""What every service did in the last quarter of an hour, for lines as long as a word.

Steps that are over are read once, and remembered: of a hundred services there are a hundred
thousand samples, and a page asks again and again.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

from tarmac.run.local.state.paths import Home
from tarmac.run.telemetry import charts, storage
from tarmac.run.telemetry.charts import Steps

STEP_MS, STEPS = 20_000, 45
#: The latest steps are read again: a reading is written a moment after it was taken.
OPEN_STEPS = 2
#: More says nothing on a line of so few points.
DIGITS = 3
Values = list[float | None]


class RecentActivity:
    """Requests, failures and CPU of each service, by step."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._turn = threading.Lock()
        self._until_ms = 0
        #: By service and by the name of what is counted.
        self._lines: dict[str, dict[str, Values]] = {}

    def latest(self, now_ms: int | None = None) -> dict[str, Any]:
        """Return the lines up to the last step that is over."""
        now_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
        until_ms = now_ms // STEP_MS * STEP_MS
        with self._turn:
            if until_ms != self._until_ms:
                self._read(until_ms)
            ends = [until_ms - STEP_MS * step for step in reversed(range(STEPS))]
            return {"ends_ms": ends, "services": self._lines}

    def _read(self, until_ms: int) -> None:
        passed = (until_ms - self._until_ms) // STEP_MS
        count = min(passed + OPEN_STEPS, STEPS) if passed > 0 else STEPS
        steps = Steps(until_ms - count * STEP_MS, STEP_MS, count)
        with contextlib.closing(storage.reader(self._home.telemetry)) as stored:
            found = charts.all_services(stored, steps)
        self._lines = {
            service: {
                name: [*self._known(service, name)[count - OPEN_STEPS : STEPS - OPEN_STEPS], *new]
                for name, new in _rounded(lines).items()
            }
            for service, lines in found.items()
        }
        self._until_ms = until_ms

    def _known(self, service: str, name: str) -> Values:
        return self._lines.get(service, {}).get(name, [None] * STEPS)


def _rounded(lines: charts.ServiceLines) -> dict[str, Values]:
    return {
        name: [None if value is None else round(value, DIGITS) for value in values]
        for name, values in vars(lines).items()
    }
