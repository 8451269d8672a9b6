"""Questions about what is stored: the latest traces, and one trace as a tree.

Pure functions over an open reader; the verbs and the dashboard print what they return.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.base.errors import BadInput, Problem
from tarmac.run.telemetry import trace_names

PREFIX = re.compile(r"[0-9a-f]{4,32}")
#: How many traces of one prefix are named in an error.
NAMED = 5
#: Of so many of the latest traces those are listed that fit a name or a duration.
SEARCHED = 1_500


@dataclass(frozen=True)
class TraceSummary:
    """One trace in a list."""

    trace_id: str
    #: Name and service of its first span; of the earliest one, where that is not here.
    name: str
    service: str
    started_ns: int
    #: From the earliest start to the latest end: work may go on after the answer.
    duration_ns: int
    spans: int
    services: int
    failed: int
    #: One of trace_names.KINDS.
    kind: str = "request"
    #: The status that a request was answered with; None where it was not asked over HTTP.
    status: int | None = None
    #: Whether its first span is here: it ends last, so it comes last.
    whole: bool = True


@dataclass(frozen=True)
class TreeSpan:
    """One span of a trace, with how deep it stands in the tree."""

    span_id: str
    parent_id: str
    depth: int
    service: str
    instance: str
    name: str
    kind: str
    #: From the start of the trace.
    offset_ns: int
    duration_ns: int
    failed: bool
    message: str
    attributes: Mapping[str, Any]
    events: tuple[Mapping[str, Any], ...]


def latest(
    stored: sqlite3.Connection,
    *,
    most: int,
    service: str = "",
    failed: bool = False,
    name: str = "",
    between_ns: tuple[int, int] | None = None,
    kind: str = "",
    interesting: bool = False,
    times_ns: tuple[int, int] | None = None,
) -> list[TraceSummary]:
    """List the latest traces, newest first.

    Args:
        service: only those that crossed this service.
        failed: only those with a failed span.
        name: only those whose name has these words, in any case; among the latest 1,500.
        between_ns: only those that took from so long to less than so long; among as many.
        kind: only those of one of trace_names.KINDS; among as many.
        interesting: leave out files of pages and probes, unless they failed; among as many.
        times_ns: only those with a span that began from one moment up to another.
    """
    found: list[TraceSummary] = []
    is_searched = bool(name or between_ns or kind or interesting)
    for number, trace_id in enumerate(_latest_ids(stored, service, times_ns, failed=failed)):
        if len(found) == most or (number == SEARCHED and is_searched):
            break
        summary = _summary(stored, trace_id)
        least_ns, below_ns = between_ns or (0, summary.duration_ns + 1)
        is_noise = not summary.failed and trace_names.is_uninteresting(summary.name)
        if (
            name.lower() in summary.name.lower()
            and least_ns <= summary.duration_ns < below_ns
            and kind in ("", summary.kind)
            and not (interesting and is_noise)
        ):
            found.append(summary)
    return found


def _latest_ids(
    stored: sqlite3.Connection,
    service: str,
    times_ns: tuple[int, int] | None,
    *,
    failed: bool,
) -> Iterator[bytes]:
    """Yield the ids of traces, by an index: however many spans there are, few are looked at."""
    wanted: list[str] = []
    values: list[str | int] = []
    if service:
        wanted.append("service = ?")
        values.append(service)
    if failed:
        wanted.append("failed")
    if times_ns is not None:
        wanted.append("started_ns BETWEEN ? AND ?")
        values += times_ns
    where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
    rows = stored.execute(
        f"SELECT trace_id FROM spans {where} ORDER BY started_ns DESC",  # noqa: S608 - our own words
        values,
    )
    known: set[bytes] = set()
    for row in rows:
        trace_id: bytes = row["trace_id"]
        if trace_id not in known:
            known.add(trace_id)
            yield trace_id


def trace(stored: sqlite3.Connection, given: str) -> tuple[str, list[TreeSpan]]:
    """Return a trace's id and its spans, parents before their children.

    Args:
        given: the id, or enough of its beginning to tell it from all others.

    Raises:
        BadInput: there is none, or more than one.
    """
    trace_id = _find(stored, given)
    rows = stored.execute(
        "SELECT * FROM spans WHERE trace_id = ? ORDER BY started_ns, rowid", (trace_id,)
    ).fetchall()
    return trace_id.hex(), list(_tree(rows))


def id_prefix(given: str) -> str:
    """Return the beginning of a trace's id as it is stored. Raises ValueError: it is none."""
    prefix = given.lower()
    if not PREFIX.fullmatch(prefix):
        raise ValueError("is not a trace id; give its first 4 to 32 hexadecimal digits")
    return prefix


def _find(stored: sqlite3.Connection, given: str) -> bytes:
    try:
        prefix = id_prefix(given)
    except ValueError as error:
        raise BadInput([Problem(given, str(error))]) from None
    first = bytes.fromhex(prefix.ljust(32, "0"))
    last = bytes.fromhex(prefix.ljust(32, "f"))
    rows = stored.execute(
        "SELECT DISTINCT trace_id FROM spans WHERE trace_id BETWEEN ? AND ? LIMIT ?",
        (first, last, NAMED + 1),
    ).fetchall()
    found: list[bytes] = [row["trace_id"] for row in rows]
    if not found:
        raise BadInput([Problem(given, "no such trace; list them with `tarmac trace`")])
    if len(found) > 1:
        names = ", ".join(trace_id.hex() for trace_id in found[:NAMED])
        raise BadInput([Problem(given, f"fits several traces ({names}); give more digits")])
    return found[0]


def _summary(stored: sqlite3.Connection, trace_id: bytes) -> TraceSummary:
    totals = stored.execute(
        "SELECT min(started_ns) AS started_ns, max(started_ns + duration_ns) AS ended_ns,"
        " count(*) AS spans, count(DISTINCT service) AS services, sum(failed) AS failed"
        " FROM spans WHERE trace_id = ?",
        (trace_id,),
    ).fetchone()
    first = stored.execute(
        "SELECT service, name, kind, attributes, parent_id FROM spans WHERE trace_id = ?"
        " ORDER BY length(parent_id), started_ns LIMIT 1",
        (trace_id,),
    ).fetchone()
    attributes = json.loads(first["attributes"])
    status = attributes.get("http.response.status_code", attributes.get("http.status_code"))
    return TraceSummary(
        trace_id=trace_id.hex(),
        name=trace_names.name_of(first["name"], attributes),
        service=first["service"],
        started_ns=totals["started_ns"],
        duration_ns=totals["ended_ns"] - totals["started_ns"],
        spans=totals["spans"],
        services=totals["services"],
        failed=totals["failed"],
        kind=trace_names.kind_of(first["kind"], attributes),
        status=status if isinstance(status, int) else None,
        whole=not first["parent_id"],
    )


def _tree(rows: list[sqlite3.Row]) -> Iterator[TreeSpan]:
    """Yield depth first; what has no parent here begins a tree of its own, by its start."""
    known = {row["span_id"] for row in rows}
    children: dict[bytes, list[sqlite3.Row]] = {}
    for row in rows:
        is_root = row["parent_id"] not in known or row["parent_id"] == row["span_id"]
        children.setdefault(b"" if is_root else row["parent_id"], []).append(row)
    began_ns = min(row["started_ns"] for row in rows)
    # A stack of our own: a loop of a thousand calls is a thousand deep. A span is shown once, also
    # where ids are repeated; those that are each other's parents come last, from the earliest.
    shown: set[bytes] = set()
    for root in (*children.get(b"", ()), *rows):
        waiting = [(root, 0)]
        while waiting:
            row, depth = waiting.pop()
            if row["span_id"] in shown:
                continue
            shown.add(row["span_id"])
            yield _tree_span(row, depth, began_ns)
            below = children.get(row["span_id"], [])
            waiting.extend((child, depth + 1) for child in reversed(below))


def _tree_span(row: sqlite3.Row, depth: int, began_ns: int) -> TreeSpan:
    return TreeSpan(
        span_id=row["span_id"].hex(),
        parent_id=row["parent_id"].hex(),
        depth=depth,
        service=row["service"],
        instance=row["instance"],
        name=row["name"],
        kind=row["kind"],
        offset_ns=row["started_ns"] - began_ns,
        duration_ns=row["duration_ns"],
        failed=bool(row["failed"]),
        message=row["message"],
        attributes=json.loads(row["attributes"]),
        events=tuple(json.loads(row["events"])),
    )
