"""The tables of samples: written by one process, folded to a sample a minute when they are older.

Functions over an open connection, each to be called within one transaction.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from tarmac.run.telemetry.sample import Kind, Reading, Sample, SeriesKey

#: Samples stay as they were read for so long: the shortest window of an alert is looked at closely.
FINE_MS = 3_600_000
MINUTE_MS = 60_000
_INSERT = "INSERT INTO samples VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = "
ADD: dict[Kind, str] = {
    "counter": f"{_INSERT} value + excluded.value",
    "gauge": f"{_INSERT} excluded.value",
}


def last_of(stored: sqlite3.Connection, service: str, instance: str) -> Reading | None:
    """Return what an instance's counters said last; None for one that was never read."""
    row = stored.execute(
        "SELECT began_at, read_ms FROM processes WHERE service = ? AND instance = ?",
        (service, instance),
    ).fetchone()
    if row is None:
        return None
    counters = {
        SeriesKey(name, labels_of(labels)): last
        for name, labels, last in stored.execute(
            "SELECT name, labels, last FROM series"
            " WHERE service = ? AND instance = ? AND kind = 'counter'",
            (service, instance),
        )
    }
    return Reading(service, instance, row[1], row[0], counters, {})


def add(stored: sqlite3.Connection, samples: Iterable[Sample]) -> None:
    """Write samples, and the values that they were read as.

    Increases of one moment are added up: two pushes can arrive within a millisecond.
    """
    for sample in samples:
        series = _series(stored, sample)
        stored.execute(ADD[sample.kind], (series, sample.at_ms, sample.value))


def restart(stored: sqlite3.Connection, service: str, instance: str) -> None:
    """Let an instance's counters begin at 0 again: those that stay there have no sample."""
    stored.execute(
        "UPDATE series SET last = 0 WHERE service = ? AND instance = ? AND kind = 'counter'",
        (service, instance),
    )


def mark_read(stored: sqlite3.Connection, reading: Reading) -> None:
    """Write down when an instance was read, and since when its process runs."""
    stored.execute(
        "INSERT OR REPLACE INTO processes VALUES (?, ?, ?, ?)",
        (reading.service, reading.instance, reading.began_at, reading.at_ms),
    )


def forget(stored: sqlite3.Connection, service: str, instance: str) -> None:
    """Await no further reading of an instance; what it has counted stays."""
    stored.execute("DELETE FROM processes WHERE service = ? AND instance = ?", (service, instance))


def all_series(stored: sqlite3.Connection) -> list[tuple[int, Kind]]:
    """List the series by number, with their kinds."""
    return [(row[0], row[1]) for row in stored.execute("SELECT id, kind FROM series ORDER BY id")]


def fold(stored: sqlite3.Connection, series: int, kind: Kind, now_ms: int, age_ms: int) -> None:
    """Make one sample a minute of a series' older ones, and delete what is too old."""
    stored.execute("DELETE FROM samples WHERE series = ? AND at_ms < ?", (series, now_ms - age_ms))
    until = (now_ms - FINE_MS) // MINUTE_MS * MINUTE_MS
    value = "sum(value)" if kind == "counter" else "value"
    # With max(), SQLite takes the other columns from the row that has it: a gauge's last value.
    rows = stored.execute(
        f"SELECT (at_ms + {MINUTE_MS - 1}) / {MINUTE_MS} * {MINUTE_MS} AS minute, {value},"  # noqa: S608
        " max(at_ms) FROM samples WHERE series = ?1"
        " AND at_ms > (SELECT folded_ms FROM series WHERE id = ?1) AND at_ms <= ?2 GROUP BY minute",
        (series, until),
    ).fetchall()
    if rows:
        stored.execute(
            "DELETE FROM samples WHERE series = ?1"
            " AND at_ms > (SELECT folded_ms FROM series WHERE id = ?1) AND at_ms <= ?2",
            (series, until),
        )
        stored.executemany(
            "INSERT INTO samples VALUES (?, ?, ?)", [(series, row[0], row[1]) for row in rows]
        )
        stored.execute("UPDATE series SET folded_ms = ? WHERE id = ?", (until, series))


def labels_of(text: str) -> tuple[tuple[str, str], ...]:
    """Read labels as they are stored."""
    return tuple((name, value) for name, value in json.loads(text))


def _series(stored: sqlite3.Connection, sample: Sample) -> int:
    labels = json.dumps(sample.key.labels, separators=(",", ":"))
    found: tuple[int] = stored.execute(
        "INSERT INTO series (service, instance, name, labels, kind, last, folded_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, 0) ON CONFLICT (service, name, instance, labels)"
        " DO UPDATE SET last = excluded.last, kind = excluded.kind RETURNING id",
        (
            *(sample.service, sample.instance, sample.key.name, labels, sample.kind),
            sample.read,
        ),
    ).fetchone()
    return found[0]
