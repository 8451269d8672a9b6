"""What a scraper writes of one service's instances, at moments that a test chooses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tarmac.run.telemetry.readings import ReadingLog
from tarmac.run.telemetry.sample import UP, Reading, SeriesKey
from tarmac.run.telemetry.storage import Storage

#: A moment, in milliseconds.
BEGAN = 1_800_000_000_000


class Readings:
    """A file of telemetry, and what is read of the service `orders`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.storage = Storage(path)
        self._log = ReadingLog(self.storage)

    def read(
        self,
        instance: str,
        after_s: float,
        counters: Mapping[SeriesKey, float],
        gauges: Mapping[SeriesKey, float] | None = None,
        *,
        began_s: float = 0,
    ) -> None:
        """Write one reading of an instance whose process began so long after BEGAN."""
        at_ms, began_at = BEGAN + int(after_s * 1000), BEGAN / 1000 + began_s
        seen = {UP: 1.0, **(gauges or {})}
        self._log.add(Reading("orders", instance, at_ms, began_at, counters, seen))
