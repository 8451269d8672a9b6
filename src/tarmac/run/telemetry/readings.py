"""Writes readings of metrics: what counters have grown by, gauges that have changed.

For the scraper, which reads instances, and for what instances send themselves. Increases between
two readings count once, also those while this process was away.
"""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from tarmac.run.telemetry import samples
from tarmac.run.telemetry.sample import UP, Reading, has_restarted, samples_of
from tarmac.run.telemetry.storage import Storage

if TYPE_CHECKING:
    from tarmac.run.telemetry.otlp_metrics import PushedMetrics


class ReadingLog:
    """The readings of every instance, each compared with the one before."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        #: Two requests of one instance may come at once.
        self._turn = threading.RLock()
        #: The last reading of each instance that ever answered.
        self._last: dict[tuple[str, str], Reading | None] = {}

    def last(self, service: str, instance: str) -> Reading | None:
        """Return what an instance said last; None for one that never did."""
        name = (service, instance)
        with self._turn:
            if name not in self._last:
                read = self._storage.write(lambda stored: samples.last_of(stored, *name))
                self._last[name] = read
            return self._last[name]

    def add(self, reading: Reading) -> None:
        """Write what is new in a reading. Raises sqlite3.Error."""
        with self._turn:
            self._add(reading)

    def _add(self, reading: Reading) -> None:
        name = (reading.service, reading.instance)
        last = self.last(*name)

        def write(stored: sqlite3.Connection) -> None:
            if last is not None and has_restarted(reading, last):
                samples.restart(stored, *name)
            samples.add(stored, samples_of(reading, last))
            if reading.gauges[UP]:
                samples.mark_read(stored, reading)

        self._storage.write(write)
        if reading.gauges[UP] or last is not None:
            self._last[name] = reading

    def push(self, sent: PushedMetrics, at_ms: int) -> None:
        """Write what an instance sent by itself; it may send a part at a time."""
        with self._turn:
            self._add(self._joined(sent, at_ms))

    def _joined(self, sent: PushedMetrics, at_ms: int) -> Reading:
        last = self.last(sent.service, sent.instance)
        began_at = sent.began_ns / 1e9
        known = {} if last is None else last.counters
        if last is not None:
            has_begun_again = began_at * 1000 > last.at_ms
            began_at, known = (began_at, {}) if has_begun_again else (last.began_at, known)
        grown = {key: known.get(key, 0.0) + value for key, value in sent.increases.items()}
        counters = {**known, **sent.counters, **grown}
        gauges = {**(last.gauges if last else {}), **sent.gauges, UP: 1.0}
        return Reading(sent.service, sent.instance, at_ms, began_at, counters, gauges)

    def miss(self, service: str, instance: str, at_ms: int) -> None:
        """Write that an instance could not be read: what it counted is still what it said last."""
        last = self.last(service, instance)
        if last is None:
            last = Reading(service, instance, at_ms, 0.0, {}, {})
        self.add(replace(last, at_ms=at_ms, gauges={UP: 0.0}))
