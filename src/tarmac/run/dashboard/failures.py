"""The latest failures of a system for its first page: failed traces, and lines of level error.

Lines are read on from where they were read last, so that asking again costs what is new. Failures
that say the same are one, with their number.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client
from tarmac.run.telemetry import queries, storage
from tarmac.run.telemetry.log_entry import entry_of
from tarmac.run.telemetry.log_lines import Line, Tail, merged

#: Failures of one answer; traces that are looked at; lines of each process that are read first,
#: and failed lines that are remembered.
MOST, MOST_TRACES, FIRST_LINES, MOST_LINES = 20, 30, 200, 200
CLIENT_ERROR = 400
LEVELS = frozenset({"error", "critical"})
#: What each line of these levels has, among few others: most lines are not taken apart.
_MAYBE = re.compile(r"err|crit|fatal|panic|[56]0", re.IGNORECASE)


@dataclass(frozen=True)
class Failure:
    """What went wrong, where, and how often."""

    #: Milliseconds since the epoch, of the latest.
    at_ms: float
    service: str
    #: The request that failed, or what the line says.
    what: str
    #: The span or the exception that it came from.
    cause: str
    #: Empty where it is of none.
    trace: str
    count: int = 1


class RecentFailures:
    """Remembers the failed lines that it has read."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._turn = threading.Lock()
        self._tails: dict[str, Tail] = {}
        self._lines: list[Failure] = []

    def latest(self) -> list[Failure]:
        """Return the latest failures, the newest first."""
        with contextlib.closing(storage.reader(self._home.telemetry)) as stored:
            found = list(_of_traces(stored))
        with self._turn:
            self._read_lines()
            found += self._lines
        together: dict[tuple[str, str], Failure] = {}
        for one in sorted(found, key=lambda failure: -failure.at_ms):
            known = together.get((one.service, one.what))
            together[one.service, one.what] = (
                replace(known, count=known.count + 1) if known else one
            )
        return list(together.values())[:MOST]

    def _read_lines(self) -> None:
        status = client.status(self._home)
        for node in status.nodes if status is not None else ():
            path = self._home.logs / f"{node.name}.log"
            self._tails.setdefault(node.name, Tail(path, last=FIRST_LINES))
        found = [
            _of_line(line) for line in merged(self._tails.values()) if _MAYBE.search(line.text)
        ]
        self._lines = [*self._lines, *filter(None, found)][-MOST_LINES:]


def _of_line(line: Line) -> Failure | None:
    entry = entry_of(line)
    if entry.level not in LEVELS:
        return None
    try:
        at_ms = datetime.fromisoformat(entry.at).timestamp() * 1000
    except ValueError:  # written by something else
        return None
    causes = (entry.fields.get(key) for key in ("exception", "error", "exc_info"))
    cause = next((one for one in causes if isinstance(one, str) and one.strip()), "")
    last = cause.strip().splitlines()[-1] if cause else ""
    return Failure(at_ms, line.name, entry.said, last, entry.trace)


def _of_traces(stored: sqlite3.Connection) -> Iterator[Failure]:
    for trace in queries.latest(stored, most=MOST_TRACES, failed=True):
        if not trace.whole and trace.kind != "request":
            continue  # it is under way: the request that it is part of comes last
        # The span that began last is the deepest: others failed because it did.
        row = stored.execute(
            "SELECT service, name, message FROM spans WHERE trace_id = ? AND failed"
            " ORDER BY started_ns DESC LIMIT 1",
            (bytes.fromhex(trace.trace_id),),
        ).fetchone()
        place = "" if row["name"] == trace.name else f"{row['service']}: {row['name']}"
        cause = ": ".join(filter(None, (place, row["message"])))
        status = f" ({trace.status})" if (trace.status or 0) >= CLIENT_ERROR else ""
        what = f"{trace.name}{status}"
        yield Failure(trace.started_ns / 1e6, trace.service, what, cause, trace.trace_id)
