"""The objectives of a system from what was scraped: live, without a Prometheus."""

from __future__ import annotations

import functools
import sqlite3
from dataclasses import dataclass

from tarmac.model.system import System
from tarmac.plan.slo import live
from tarmac.plan.slo.live import Counts, LiveObjective
from tarmac.plan.slo.measured import MeasuredObjective
from tarmac.run.telemetry import metrics


@dataclass(frozen=True)
class ObservedObjective:
    """One objective, and since when its service was observed."""

    live: LiveObjective
    #: Milliseconds since the epoch; None: nothing was read of its service yet.
    since_ms: int | None


def observe(stored: sqlite3.Connection, system: System, now_ms: int) -> list[ObservedObjective]:
    """Judge all objectives of a system that can be counted."""
    found = []
    for wanted in system.file.objectives:
        objective = MeasuredObjective(wanted, system.name)
        if objective.counted:
            seen = metrics.observed_since(stored, objective.service)
            found.append(
                ObservedObjective(live.judge(objective, counting(stored, objective, now_ms)), seen)
            )
    return found


def counting(stored: sqlite3.Connection, objective: MeasuredObjective, now_ms: int) -> live.Count:
    """Return what counts an objective's requests, as seen at a moment."""
    every, good = (
        metrics.counters(stored, objective.service, selected.metric, selected.wanted)
        for selected in (live.requests(objective), live.good(objective))
    )

    @functools.cache  # several alerts ask for the same window
    def count(window_s: float, ago_s: float) -> Counts:
        until_ms = now_ms - int(ago_s * 1000)
        since_ms = until_ms - int(window_s * 1000)
        requests = every.increase(stored, since_ms, until_ms)
        # One may have been counted a moment after the other: no share is below zero.
        bad = max(0.0, requests - good.increase(stored, since_ms, until_ms))
        return Counts(requests, bad)

    return count
