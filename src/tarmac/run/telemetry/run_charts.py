"""Charts of runs: each from its own start, in steps of one length, so that two can be compared.

Functions over an open reader; the dashboard draws what they return.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tarmac.run.telemetry import charts
from tarmac.run.telemetry.charts import RedLines, Steps
from tarmac.run.telemetry.runs import Run
from tarmac.run.telemetry.samples import FINE_MS, MINUTE_MS

Values = list[float | None]


@dataclass(frozen=True)
class RunSteps:
    """The steps of one run, from its start."""

    run: Run
    steps: Steps

    def cut(self, values: Sequence[float | None]) -> Values:
        """Return the values of the steps that the run has gone through; None for all others.

        What comes after is of another run, and a step that is not over yet would be too low.
        """
        ends_ms = self.steps.ends_ms
        known = zip(values, ends_ms, strict=True)
        return [value if end <= self.run.until_ms else None for value, end in known]


def steps_of(runs: Sequence[Run], step_ms: int, most_ms: int, now_ms: int) -> list[RunSteps]:
    """Return the steps of each run: as many as the longest of them has.

    Args:
        step_ms: the step that is wanted; where a run's samples are folded, it is a minute at least.
        most_ms: how much of a run is looked at, from its start.
    """
    if any(run.began_ms < now_ms - FINE_MS for run in runs):
        step_ms = max(step_ms, MINUTE_MS)
    longest_ms = min(most_ms, max(run.until_ms - run.began_ms for run in runs))
    count = max(1, longest_ms // step_ms)
    return [RunSteps(run, Steps(run.began_ms, step_ms, count)) for run in runs]


def red(stored: sqlite3.Connection, service: str, shown: RunSteps) -> RedLines:
    """Return the requests of a service in one run."""
    found = charts.red(stored, service, shown.steps)
    return replace(
        found,
        requests_per_s=shown.cut(found.requests_per_s),
        failed_per_s=shown.cut(found.failed_per_s),
        durations_s={name: shown.cut(values) for name, values in found.durations_s.items()},
    )


def lines(
    stored: sqlite3.Connection, service: str, name: str, by: str, shown: RunSteps
) -> Mapping[str, Values]:
    """Return one series of a service in one run, as `charts.lines` does; no line without values."""
    found = charts.lines(stored, service, name, by, shown.steps)
    within = {key: shown.cut(values) for key, values in found.items()}
    return {
        key: values for key, values in within.items() if any(value is not None for value in values)
    }
