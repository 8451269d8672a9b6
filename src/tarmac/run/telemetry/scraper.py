"""Reads `/metrics` of each instance again and again, and writes what has changed.

What is new in a reading is written by readings.py, with regard to restarts of the service and of
this process.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path

from tarmac.plan import scrape
from tarmac.plan.scrape import ScrapeTarget
from tarmac.run.telemetry import exposition, samples
from tarmac.run.telemetry.readings import ReadingLog
from tarmac.run.telemetry.sample import UP, Kind
from tarmac.run.telemetry.storage import Retention, Storage

EVERY_S = 5.0
#: An instance that takes longer to say what it measured is not up.
ANSWER_S = 2.0
#: Bytes of one answer.
MOST_BYTES = 8 << 20
#: How often older samples are folded, in seconds; some series at a time.
FOLD_S, FOLD_SERIES = 10.0, 50


class Scraper:
    """Reads the instances of one file of targets."""

    def __init__(
        self,
        storage: Storage,
        path: Path,
        *,
        readings: ReadingLog | None = None,
        every_s: float = EVERY_S,
        retention: Retention | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Take what to do with a complaint: a line without any value that was read."""
        self._storage = storage
        self._path = path
        self._every_s = every_s
        self._retention = retention or Retention()
        self._age_ms = self._longest_ms = int(self._retention.age_s * 1000)
        self._say = say
        self._readings = readings or ReadingLog(storage)
        self._said = ""
        self._to_fold: list[tuple[int, Kind]] = []

    async def run(self) -> None:
        """Read all targets every so many seconds, until cancelled."""
        loop = asyncio.get_running_loop()
        fold_at = loop.time() + FOLD_S
        while True:
            began = loop.time()
            try:
                found = _targets(self._path)
                await asyncio.gather(*(asyncio.to_thread(self._read, one) for one in found))
                if loop.time() >= fold_at:
                    fold_at = loop.time() + FOLD_S
                    await asyncio.to_thread(self._fold)
            except (OSError, ValueError, sqlite3.Error) as error:
                self._complain(f"metrics: {error}")
            else:
                self._said = ""
            await asyncio.sleep(max(0.0, self._every_s - (loop.time() - began)))

    def _read(self, target: ScrapeTarget) -> None:
        """Read one instance and write it; its `up` says whether it could be read."""
        at_ms = time.time_ns() // 1_000_000
        try:
            reading = exposition.read(
                _fetch(target), service=target.service, instance=target.instance, at_ms=at_ms
            )
        except (OSError, HTTPException, exposition.UnreadableMetrics):
            self._readings.miss(target.service, target.instance, at_ms)
        else:
            self._readings.add(replace(reading, gauges={**reading.gauges, UP: 1.0}))

    def _fold(self) -> None:
        """Fold some series, and begin with the first again after the last."""
        if not self._to_fold:
            self._to_fold = self._storage.write(samples.all_series)
            # A file that is too big holds less of the past, until it is small enough.
            too_big = self._storage.size_bytes > self._retention.size_bytes
            age_ms = self._age_ms // 2 if too_big else self._age_ms * 2
            self._age_ms = min(max(age_ms, samples.FINE_MS), self._longest_ms)
        now_ms = time.time_ns() // 1_000_000
        some, self._to_fold = self._to_fold[:FOLD_SERIES], self._to_fold[FOLD_SERIES:]

        def fold(stored: sqlite3.Connection) -> None:
            for series, kind in some:
                samples.fold(stored, series, kind, now_ms, self._age_ms)

        self._storage.write(fold)

    def _complain(self, line: str) -> None:
        if line != self._said:
            self._said = line
            self._say(line)


def _targets(path: Path) -> list[ScrapeTarget]:
    try:
        return scrape.from_text(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []


def _fetch(target: ScrapeTarget) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never by a proxy
    with opener.open(f"http://{target.address}/metrics", timeout=ANSWER_S) as answer:
        body: bytes = answer.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise exposition.UnreadableMetrics(f"more than {MOST_BYTES} bytes")
    return body.decode("utf-8", "replace")
