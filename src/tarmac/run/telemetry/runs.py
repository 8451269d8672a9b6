"""Runs of a system, each from `up` to `down`, and how requests went in one compared with another.

Functions over an open connection. A run is named by the time of its start.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.plan.slo import indicator
from tarmac.run.telemetry import charts
from tarmac.run.telemetry.charts import Steps

LATEST = "latest"


@dataclass(frozen=True)
class Run:
    """One run; times in milliseconds since the epoch."""

    name: str
    began_ms: int
    #: When it was seen last.
    until_ms: int


@dataclass(frozen=True)
class RunRequests:
    """The requests of one service in one run."""

    requests: float
    per_s: float
    #: None without any request.
    failed_share: float | None
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None


@dataclass(frozen=True)
class ServiceComparison:
    """One service in two runs; None where it had no request."""

    service: str
    before: RunRequests | None
    after: RunRequests | None


def mark(stored: sqlite3.Connection, name: str, now_ms: int) -> None:
    """Write down that a run goes on; it begins when it is seen first."""
    stored.execute(
        "INSERT INTO runs VALUES (?1, ?2, ?2) ON CONFLICT (name) DO UPDATE SET until_ms = ?2",
        (name, now_ms),
    )


def all_runs(stored: sqlite3.Connection) -> list[Run]:
    """List the runs, the latest first; last of all those that a clock of later dates has marked."""
    rows = stored.execute(
        "SELECT name, began_ms, until_ms FROM runs"
        " ORDER BY began_ms > 1000 * (strftime('%s', 'now') + 60), began_ms DESC"
    )
    return [Run(*row) for row in rows]


def find(stored: sqlite3.Connection, given: str) -> Run:
    """Find a run by its name, the beginning of it, or `latest`. Raises BadInput."""
    known = all_runs(stored)
    fitting = known[:1] if given == LATEST else [run for run in known if run.name == given]
    fitting = fitting or [run for run in known if run.name.startswith(given)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(run.name for run in fitting[:5])
        raise BadInput([Problem(given, f"fits several runs ({names}); give more of the name")])
    hint = did_you_mean(given, [run.name for run in known])
    raise BadInput([Problem(given, f"no such run; {hint or 'list them with `tarmac runs`'}")])


def requests(stored: sqlite3.Connection, run: Run) -> dict[str, RunRequests]:
    """Return the requests of each service that had any in a run."""
    rows = stored.execute(
        "SELECT DISTINCT service FROM series WHERE name = ?", (indicator.REQUESTS,)
    ).fetchall()
    found = ((row[0], _requests(stored, row[0], run)) for row in rows)
    return {service: made for service, made in found if made is not None}


def _requests(stored: sqlite3.Connection, service: str, run: Run) -> RunRequests | None:
    length_ms = max(1, run.until_ms - run.began_ms)
    red = charts.red(stored, service, Steps(run.began_ms, length_ms, 1))
    per_s, failed_per_s = red.requests_per_s[0], red.failed_per_s[0]
    if not per_s:
        return None
    durations = {f"{name}_s": values[0] for name, values in red.durations_s.items()}
    return RunRequests(
        requests=round(per_s * length_ms / 1000),
        per_s=per_s,
        failed_share=(failed_per_s or 0.0) / per_s,
        **durations,
    )


def compare(stored: sqlite3.Connection, before: Run, after: Run) -> Iterator[ServiceComparison]:
    """Yield each service that had requests in either run, by name."""
    first, second = requests(stored, before), requests(stored, after)
    for service in sorted({*first, *second}):
        yield ServiceComparison(service, first.get(service), second.get(service))
