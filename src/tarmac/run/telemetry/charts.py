"""Questions for charts: a series as points in time, and the rate, errors and durations of requests.

Functions over an open reader. Time goes in steps; a step without any sample has no value.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tarmac.plan.slo import indicator
from tarmac.run.telemetry import metrics
from tarmac.run.telemetry.samples import labels_of

#: Quantiles of the durations of requests.
QUANTILES = (0.5, 0.95, 0.99)
#: Lines of one chart; more could not be told apart.
MOST_LINES = 12
#: What a process's client of Prometheus counts of itself.
CPU = "process_cpu_seconds_total"


@dataclass(frozen=True)
class Steps:
    """A span of time in equal steps, in milliseconds since the epoch."""

    since_ms: int
    step_ms: int
    count: int

    @property
    def until_ms(self) -> int:
        """Where it ends."""
        return self.since_ms + self.step_ms * self.count

    @property
    def ends_ms(self) -> list[int]:
        """The end of each step."""
        return [self.since_ms + self.step_ms * (step + 1) for step in range(self.count)]


@dataclass(frozen=True)
class SeriesName:
    """What can be shown of a service: all series of one name."""

    name: str
    kind: str
    #: The labels by which they differ.
    labels: tuple[str, ...]


class _Total:
    """A value of each step; None where nothing is known, `idle` where nothing was counted."""

    def __init__(self, observed: Sequence[bool], idle: float | None) -> None:
        self.values = [idle if seen else None for seen in observed]

    def add(self, step: int, value: float) -> None:
        self.values[step] = (self.values[step] or 0.0) + value


def names(stored: sqlite3.Connection, service: str) -> list[SeriesName]:
    """List what can be shown of a service."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for name, kind, labels in stored.execute(
        "SELECT name, kind, labels FROM series WHERE service = ? ORDER BY name", (service,)
    ):
        known = found.setdefault((name, kind), {})
        known.update(dict.fromkeys(label for label, _ in json.loads(labels)))
    return [SeriesName(name, kind, tuple(labels)) for (name, kind), labels in found.items()]


def lines(
    stored: sqlite3.Connection, service: str, name: str, by: str, steps: Steps
) -> dict[str, list[float | None]]:
    """Return one line for each value of a label, of all instances together, the largest first.

    A counter's line is its increase per second; a gauge's is its last value in each step. With `by`
    empty there is one line, but of a gauge one for each instance: their sum may mean nothing.
    """
    rows = stored.execute(
        "SELECT id, instance, labels, kind FROM series WHERE service = ? AND name = ?",
        (service, name),
    ).fetchall()
    totals: dict[str, _Total] = {}
    seen = _observed(stored, service, steps)
    for series, instance, labels, kind in rows:
        key = dict(labels_of(labels)).get(by, "") if by else instance if kind == "gauge" else name
        if kind == "counter":
            total = totals.setdefault(key, _Total(seen, 0.0))
            for step, increase in _increases(stored, series, steps):
                total.add(step, increase * 1000 / steps.step_ms)
        else:
            total = totals.setdefault(key, _Total(seen, None))
            for step, value in _values(stored, series, service, instance, steps):
                total.add(step, value)
    ordered = sorted(totals, key=lambda key: -sum(filter(None, totals[key].values)))
    return {key: totals[key].values for key in ordered[:MOST_LINES]}


@dataclass(frozen=True)
class RedLines:
    """Rate, errors and durations of a service's requests, by step."""

    requests_per_s: list[float | None]
    failed_per_s: list[float | None]
    #: Seconds, by quantile.
    durations_s: Mapping[str, list[float | None]]


def red(stored: sqlite3.Connection, service: str, steps: Steps) -> RedLines:
    """Return the requests of users as an objective counts them: no probes, none broken off."""
    seen = _observed(stored, service, steps)
    rate, failed = _Total(seen, 0.0), _Total(seen, 0.0)
    for series, labels in _counted(stored, service, indicator.REQUESTS):
        for step, increase in _increases(stored, series, steps):
            rate.add(step, increase * 1000 / steps.step_ms)
            if indicator.is_failed(labels):
                failed.add(step, increase * 1000 / steps.step_ms)
    buckets: list[dict[float, float]] = [{} for _ in range(steps.count)]
    for series, labels in _counted(stored, service, f"{indicator.DURATION}_bucket"):
        bound = float(labels.get("le", "inf"))
        for step, increase in _increases(stored, series, steps):
            buckets[step][bound] = buckets[step].get(bound, 0.0) + increase
    durations = {
        f"p{share * 100:g}": [quantile(counts, share) for counts in buckets] for share in QUANTILES
    }
    return RedLines(rate.values, failed.values, durations)


@dataclass(frozen=True)
class ServiceLines:
    """What a service did, by step: small enough to be asked for all services at once."""

    requests_per_s: list[float | None]
    failed_per_s: list[float | None]
    #: Of one core.
    cpu_share: list[float | None]


def all_services(stored: sqlite3.Connection, steps: Steps) -> dict[str, ServiceLines]:
    """Return the requests and the CPU of every service whose metrics were read."""
    found: dict[str, ServiceLines] = {}
    for service, since_ms, until_ms in stored.execute(
        "SELECT service, min(began_at) * 1000, max(read_ms) FROM processes GROUP BY service"
    ):
        seen = [since_ms <= end and end - steps.step_ms < until_ms for end in steps.ends_ms]
        idle = [0.0 if one else None for one in seen]
        found[service] = ServiceLines(list(idle), list(idle), list(idle))
    rows = stored.execute(
        "SELECT service, name, labels, (at_ms - ?1 - 1) / ?2 AS step, sum(value)"
        " FROM series JOIN samples ON series = id"
        " WHERE name IN (?3, ?4) AND kind = 'counter' AND at_ms > ?1 AND at_ms <= ?5"
        " GROUP BY id, step",
        (steps.since_ms, steps.step_ms, indicator.REQUESTS, CPU, steps.until_ms),
    )
    for service, name, text, step, increase in rows:
        if service not in found:
            continue
        labels, per_s = dict(labels_of(text)), increase * 1000 / steps.step_ms
        if name == CPU:
            _add(found[service].cpu_share, step, per_s)
        elif indicator.is_counted(labels):
            _add(found[service].requests_per_s, step, per_s)
            if indicator.is_failed(labels):
                _add(found[service].failed_per_s, step, per_s)
    return found


def _add(values: list[float | None], step: int, value: float) -> None:
    values[step] = (values[step] or 0.0) + value


def quantile(cumulative: Mapping[float, float], share: float) -> float | None:
    """Estimate a quantile from cumulative buckets as PromQL's histogram_quantile does.

    Args:
        cumulative: how many were at most as long as each bound, +Inf among them.
    """
    bounds = sorted(cumulative)
    if not bounds or not math.isinf(bounds[-1]) or cumulative[bounds[-1]] <= 0 or len(bounds) < 2:
        return None
    wanted = share * cumulative[bounds[-1]]
    below_s, below = 0.0, 0.0
    for bound in bounds[:-1]:
        count = max(below, cumulative[bound])
        if count >= wanted:
            within = (wanted - below) / (count - below) if count > below else 1.0
            return below_s + (bound - below_s) * within
        below_s, below = bound, count
    return bounds[-2]  # longer than the last bound: how much is not counted


def _counted(
    stored: sqlite3.Connection, service: str, name: str
) -> Iterable[tuple[int, Mapping[str, str]]]:
    rows = stored.execute(
        "SELECT id, labels FROM series WHERE service = ? AND name = ?", (service, name)
    ).fetchall()
    for series, text in rows:
        if indicator.is_counted(labels := dict(labels_of(text))):
            yield series, labels


def _observed(stored: sqlite3.Connection, service: str, steps: Steps) -> list[bool]:
    """Tell for each step whether an instance of the service was read before its end, and after."""
    since_ms = metrics.observed_since(stored, service)
    (until_ms,) = stored.execute(
        "SELECT max(read_ms) FROM processes WHERE service = ?", (service,)
    ).fetchone()
    if since_ms is None or until_ms is None:
        return [False] * steps.count
    return [since_ms <= end and end - steps.step_ms < until_ms for end in steps.ends_ms]


def _increases(
    stored: sqlite3.Connection, series: int, steps: Steps
) -> Iterable[tuple[int, float]]:
    """Return what a counter grew by in each step in which it did."""
    return stored.execute(
        "SELECT (at_ms - ?1 - 1) / ?2 AS step, sum(value) FROM samples"
        " WHERE series = ?3 AND at_ms > ?1 AND at_ms <= ?4 GROUP BY step",
        (steps.since_ms, steps.step_ms, series, steps.until_ms),
    ).fetchall()


def _values(
    stored: sqlite3.Connection, series: int, service: str, instance: str, steps: Steps
) -> Iterator[tuple[int, float]]:
    """Yield a gauge's value at the end of each step, as long as its instance was read."""
    read_ms = stored.execute(
        "SELECT read_ms FROM processes WHERE service = ? AND instance = ?", (service, instance)
    ).fetchone()
    changes = stored.execute(  # only changes are stored, so the one before the first step counts
        "SELECT at_ms, value FROM samples WHERE series = ?1 AND at_ms <= ?3 AND at_ms >= coalesce("
        "(SELECT max(at_ms) FROM samples WHERE series = ?1 AND at_ms <= ?2), ?2) ORDER BY at_ms",
        (series, steps.since_ms, steps.until_ms),
    ).fetchall()
    value, position = None, 0
    for step, end_ms in enumerate(steps.ends_ms):
        while position < len(changes) and changes[position][0] <= end_ms:
            value, position = changes[position][1], position + 1
        if value is not None and read_ms is not None and end_ms - steps.step_ms < read_ms[0]:
            yield step, value
