"""Rates, durations and series of a service for the page: of the last minutes, or of runs.

Of runs, times begin with each run's start, so that two of them can be drawn upon each other.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from starlette.requests import Request

from tarmac.run.local.state.paths import Home
from tarmac.run.telemetry import charts, run_charts, runs, storage
from tarmac.run.telemetry.charts import Steps
from tarmac.run.telemetry.run_charts import RunSteps

#: The step of charts over so many minutes; metrics are read each 5 s.
STEPS_MS = {15: 10_000, 60: 30_000, 360: 180_000, 1440: 600_000}
LONGEST_STEP_MS, MOST_STEPS = 3_600_000, 200
MINUTE_MS = 60_000
#: No question needs a larger number, and SQLite has the minutes and the microseconds of it.
MOST_NUMBER = 10**15
Question = Callable[[Request], Any]


def questions(home: Home) -> Mapping[str, Question]:
    """Return by its path each question about metrics."""

    def metrics(request: Request) -> Any:
        service = request.query_params.get("service", "")
        with contextlib.closing(storage.reader(home.telemetry)) as stored:
            names = [asdict(name) for name in charts.names(stored, service)]
            steps, of_runs = _asked(stored, request)
            if not of_runs:
                now = [{"run": "", "red": asdict(charts.red(stored, service, steps))}]
                return {"ends_ms": steps.ends_ms, "runs": now, "names": names}
            shown = [
                {"run": one.run.name, "red": asdict(run_charts.red(stored, service, one))}
                for one in of_runs
            ]
        return {"ends_ms": _since_start(of_runs), "runs": shown, "names": names}

    def series(request: Request) -> Any:
        service, name, by = (request.query_params.get(key, "") for key in ("service", "name", "by"))
        with contextlib.closing(storage.reader(home.telemetry)) as stored:
            steps, of_runs = _asked(stored, request)
            if not of_runs:
                now = [{"run": "", "lines": charts.lines(stored, service, name, by, steps)}]
                return {"ends_ms": steps.ends_ms, "runs": now}
            shown = [
                {"run": one.run.name, "lines": run_charts.lines(stored, service, name, by, one)}
                for one in of_runs
            ]
        return {"ends_ms": _since_start(of_runs), "runs": shown}

    return {"/api/metrics": metrics, "/api/series": series}


def _asked(stored: Any, request: Request) -> tuple[Steps, Sequence[RunSteps]]:
    """Return the last minutes that are asked for, and the runs where some are named."""
    asked = request.query_params
    minutes = number(asked.get("minutes"), 15)
    step_ms = next((step for most, step in STEPS_MS.items() if minutes <= most), LONGEST_STEP_MS)
    now_ms = time.time_ns() // 1_000_000
    given = [name for name in asked.getlist("run") if name]
    if given:
        found = [runs.find(stored, name) for name in dict.fromkeys(given)]
        of_runs = run_charts.steps_of(found, step_ms, minutes * MINUTE_MS, now_ms)
        return of_runs[0].steps, of_runs
    if asked.get("from") and asked.get("to"):
        return _between(number(asked.get("from"), 0), number(asked.get("to"), 0)), ()
    return _last(minutes, step_ms, now_ms), ()


def _last(minutes: int, step_ms: int, now_ms: int) -> Steps:
    """Return the steps of the last minutes that are over: those still under way would jump."""
    count = max(1, min(MOST_STEPS, minutes * MINUTE_MS // step_ms))
    until_ms = now_ms // step_ms * step_ms
    return Steps(until_ms - count * step_ms, step_ms, count)


def _between(from_ms: int, to_ms: int) -> Steps:
    """Return steps from one moment to another, each as fine as metrics are read and kept."""
    length_ms = max(to_ms - from_ms, MINUTE_MS)
    step_ms = next((step for most, step in STEPS_MS.items() if length_ms <= most * MINUTE_MS), None)
    step_ms = step_ms or max(LONGEST_STEP_MS, length_ms // MOST_STEPS)
    since_ms = from_ms // step_ms * step_ms
    return Steps(since_ms, step_ms, min(MOST_STEPS, math.ceil((to_ms - since_ms) / step_ms) or 1))


def _since_start(of_runs: Sequence[RunSteps]) -> list[int]:
    steps = of_runs[0].steps
    return [end - steps.since_ms for end in steps.ends_ms]


def number(text: str | None, default: int) -> int:
    """Read a number of an address, MOST_NUMBER at most; the default for what is none."""
    if not text or not text.isascii() or not text.isdigit():
        return default
    return int(text) if len(text) < len(str(MOST_NUMBER)) else MOST_NUMBER
