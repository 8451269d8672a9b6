"""What a line of a log says, in parts: the page and the terminal draw the same.

Pure. A line that is not a JSON object is all text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.run.telemetry.log_lines import Line, fields_of, level_named, trace_of

#: How loggers name what was said, how bad it is, and what every line has besides.
SAID = ("event", "message", "msg", "body")
LEVEL = ("level", "severity", "levelname", "log.level")
KNOWN = frozenset({"ts", "service", "trace_id", "span_id", "timestamp", "time", *SAID, *LEVEL})


@dataclass(frozen=True)
class LogEntry:
    """One line: its process and moment, its level, what it says, and its other fields."""

    at: str
    name: str
    #: As `level_named` gives it; empty where the line does not say.
    level: str
    said: str
    fields: Mapping[str, Any]
    trace: str


def entry_of(line: Line) -> LogEntry:
    """Take a line apart."""
    fields = fields_of(line.text) or {}
    said = _first(fields, SAID)
    level = level_named(_first(fields, LEVEL))
    if not said:
        return LogEntry(line.at, line.name, level, line.text, {}, trace_of(fields))
    more = {key: value for key, value in fields.items() if key not in KNOWN}
    return LogEntry(line.at, line.name, level, said, more, trace_of(fields))


def _first(fields: Mapping[str, Any], names: Iterable[str]) -> str:
    found = (fields[name] for name in names if isinstance(fields.get(name), str | int))
    return str(next(found, ""))
