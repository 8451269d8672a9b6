"""Reads the log records that services sent, as lines like those of their output."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tarmac.run.telemetry import storage
from tarmac.run.telemetry.log_lines import Line

COLUMNS = "id, at_ns, service, level, said, trace_id, attributes"
#: Records of one look; the next one goes on after them.
MOST = 5_000


class RecordTail:
    """The records of some services, read on from a place as new ones come.

    Args:
        services: whose; None: all.
        last: so many of what is there are returned first, as far as they fit; None: all that do.
        trace: only those of the trace whose id begins so, however old they are.
        after: the number of a record; those that came after it are read.
    """

    def __init__(
        self,
        path: Path,
        *,
        services: Sequence[str] | None = None,
        last: int | None = MOST,
        trace: str = "",
        after: int | None = None,
    ) -> None:
        self._path = path
        self._services = services
        self._last = MOST if trace or last is None else min(last, MOST)
        self._trace = trace
        self.after = after

    def read(self) -> list[Line]:
        """Return the new records in the order of time; none where nothing was ever received."""
        if not self._path.exists():
            return []
        try:
            with contextlib.closing(storage.reader(self._path)) as stored:
                rows = self._latest(stored) if self.after is None else self._later(stored)
        except (sqlite3.Error, storage.OtherFormat):
            return []  # it is just being made, or brought to this version's format
        self.after = max((row["id"] for row in rows), default=self.after or 0)
        return sorted(_line(row) for row in rows)

    def _latest(self, stored: sqlite3.Connection) -> list[sqlite3.Row]:
        where, values = self._wanted()
        select = f"SELECT {COLUMNS} FROM logs {where} ORDER BY id DESC LIMIT ?"  # noqa: S608
        rows = stored.execute(select, (*values, self._last)).fetchall()
        if not rows:
            (newest,) = stored.execute("SELECT coalesce(max(id), 0) FROM logs").fetchone()
            self.after = newest
        return rows

    def _later(self, stored: sqlite3.Connection) -> list[sqlite3.Row]:
        where, values = self._wanted("id > ?", self.after)
        select = f"SELECT {COLUMNS} FROM logs {where} ORDER BY id LIMIT ?"  # noqa: S608 - our own words
        return stored.execute(select, (*values, MOST)).fetchall()

    def _wanted(self, *condition: object) -> tuple[str, list[object]]:
        wanted = [str(word) for word in condition[:1]]
        values = list(condition[1:])
        if self._services is not None:
            wanted.append(f"service IN ({','.join('?' * len(self._services))})")
            values += self._services
        if self._trace:
            wanted.append("trace_id <> x'' AND trace_id BETWEEN ? AND ?")
            values += [bytes.fromhex(self._trace.ljust(32, end)) for end in "0f"]
        return (f"WHERE {' AND '.join(wanted)}" if wanted else ""), values


def _line(row: sqlite3.Row) -> Line:
    at = datetime.fromtimestamp(row["at_ns"] / 1e9, UTC).isoformat(timespec="milliseconds")
    fields = {"event": row["said"], "level": row["level"] or "info"}
    if row["trace_id"]:
        fields["trace_id"] = row["trace_id"].hex()
    text = json.dumps({**json.loads(row["attributes"]), **fields})
    return Line(at.replace("+00:00", "Z"), row["service"], text)
