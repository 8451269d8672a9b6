"""Questions about samples: how much the counters of a service have grown since a moment.

Functions over an open reader. Replicas and restarts are summed up, since increases are stored.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tarmac.run.telemetry.samples import labels_of

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Series:
    """The series of one counter of one service, of all its instances."""

    ids: tuple[int, ...]

    def increase(self, stored: sqlite3.Connection, since_ms: int, until_ms: int) -> float:
        """Return what they have grown by after the one moment and up to the other."""
        marks = ", ".join("?" * len(self.ids))
        (found,) = stored.execute(
            f"SELECT sum(value) FROM samples WHERE series IN ({marks})"  # noqa: S608 - marks alone
            " AND at_ms > ? AND at_ms <= ?",
            (*self.ids, since_ms, until_ms),
        ).fetchone()
        return float(found or 0.0)


def counters(
    stored: sqlite3.Connection, service: str, name: str, wanted: Callable[[Labels], bool]
) -> Series:
    """Select the series of a counter whose labels are wanted."""
    rows = stored.execute(
        "SELECT id, labels FROM series WHERE service = ? AND name = ? AND kind = 'counter'",
        (service, name),
    )
    return Series(tuple(row[0] for row in rows if wanted(dict(labels_of(row[1])))))


def by_instance(
    stored: sqlite3.Connection,
    service: str,
    name: str,
    wanted: Callable[[Labels], bool],
    since_ms: int,
) -> dict[str, float]:
    """Return by instance how much a counter has grown since a moment."""
    rows = stored.execute(
        "SELECT instance, labels, sum(value) FROM series JOIN samples ON series = id"
        " WHERE service = ? AND name = ? AND kind = 'counter' AND at_ms > ? GROUP BY id",
        (service, name, since_ms),
    )
    found: dict[str, float] = {}
    for instance, labels, grown in rows:
        if wanted(dict(labels_of(labels))):
            found[instance] = found.get(instance, 0.0) + grown
    return found


def totals(
    stored: sqlite3.Connection, service: str, name: str
) -> list[tuple[dict[str, str], float]]:
    """List the labels of a counter, each with what all instances that were read say of it."""
    rows = stored.execute(
        "SELECT labels, sum(last) FROM series WHERE service = ? AND name = ? AND kind = 'counter'"
        " GROUP BY labels",
        (service, name),
    )
    return [(dict(labels_of(labels)), float(total)) for labels, total in rows]


#: An instance that was not read for so long is none any more.
GONE_MS = 60_000


def last_read(stored: sqlite3.Connection, service: str, now_ms: int) -> int | None:
    """Return when the last of a service's instances was read, in milliseconds; None: none was."""
    (found,) = stored.execute(
        "SELECT min(read_ms) FROM processes WHERE service = ? AND read_ms > ?",
        (service, now_ms - GONE_MS),
    ).fetchone()
    return None if found is None else int(found)


def observed_since(stored: sqlite3.Connection, service: str) -> int | None:
    """Return when a service was first read, in milliseconds; None where it never was."""
    (found,) = stored.execute(
        "SELECT min(at_ms) FROM samples"
        " WHERE series IN (SELECT id FROM series WHERE service = ? AND name = 'up')",
        (service,),
    ).fetchone()
    return None if found is None else int(found)
