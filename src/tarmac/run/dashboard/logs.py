"""Lines of logs for the page: the latest ones, those that came since, or those of one trace.

They are what processes write, and the records that services send.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tarmac.base.errors import BadInput, Problem
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client
from tarmac.run.telemetry.log_entry import entry_of
from tarmac.run.telemetry.log_lines import Line, Place, Tail, is_of_trace, merged
from tarmac.run.telemetry.log_records import RecordTail
from tarmac.run.telemetry.span import LATEST_NS

#: Lines of one answer, and of each process unless a question says how many.
MOST_LINES, FIRST_LINES = 5_000, 500
#: The page has one colour for both.
WORST = {"critical": "error"}


def read(
    home: Home, *, cursor: str = "", last: int = FIRST_LINES, trace: str = "", node: str = ""
) -> dict[str, Any]:
    """Return lines in the order of time, and the cursor by which later ones are asked for.

    Args:
        cursor: of an earlier answer; empty: the last lines of each process.
        last: so many lines of each process, where there is no cursor.
        trace: only lines of the trace whose id begins so, however old they are.
        node: only what processes of this service or store write.

    Raises:
        BadInput: the cursor is none of an earlier answer.
    """
    status = client.status(home)
    known = status.nodes if status is not None else ()
    nodes = [one.name for one in known if node in ("", one.name, one.service)]
    # Of many processes fewer of each: one answer has not all of them anyway.
    most = min(last, 2 * MOST_LINES // max(1, len(nodes)))
    places, after = _places(cursor)
    tails = [
        Tail(
            home.logs / f"{name}.log",
            last=None if trace else most,
            place=places.get(name),
        )
        for name in (*nodes, *(["supervisor"] if node in ("", "supervisor") else ()))
    ]
    sent = RecordTail(
        home.telemetry, services=(node,) if node else None, last=last, trace=trace, after=after
    )
    lines = merged([*tails, sent])
    if trace:
        lines = [line for line in lines if is_of_trace(line.text, trace)]
    return {
        "lines": [_shown(line) for line in lines[-MOST_LINES:]],
        "left_out": max(0, len(lines) - MOST_LINES),
        "cursor": json.dumps([{tail.name: tail.place for tail in tails}, sent.after or 0]),
    }


def _places(cursor: str) -> tuple[Mapping[str, Place], int | None]:
    """Return how far each file was read, and the number of the last record that was sent."""
    if not cursor:
        return {}, None
    try:
        read, after = json.loads(cursor)
        places = {
            str(name): Place(int(inode), min(max(0, int(offset)), LATEST_NS))
            for name, (inode, offset) in read.items()
        }
        return places, min(max(0, int(after)), LATEST_NS)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise BadInput(
            [Problem("cursor", "does not come from an earlier answer; omit it")]
        ) from None


def _shown(line: Line) -> dict[str, Any]:
    entry = entry_of(line)
    level = WORST.get(entry.level, entry.level)
    shown = {"at": entry.at, "name": entry.name, "level": level, "said": entry.said}
    return {**shown, "fields": entry.fields, "trace": entry.trace}
