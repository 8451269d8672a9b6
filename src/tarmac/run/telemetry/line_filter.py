"""Chooses lines of logs: by time, by level, by a text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tarmac.run.telemetry.log_lines import LEVELS, Line, fields_of, level_named

#: How JSON lines name their level.
LEVEL_FIELDS = ("level", "severity", "lvl", "levelname", "log.level")
#: Of a line that is not JSON: a level among its first words, in capitals or before a colon.
_WORD = re.compile(r"\b(DEBUG|INFO|WARN(?:ING)?|ERROR|FATAL|CRITICAL)\b|\b(error|warning):")
_HEAD = 80
_DURATION = re.compile(r"(\d+)(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class LineFilter:
    """Which lines are wanted; without a field, all."""

    #: As lines write their time: ISO 8601 in UTC.
    since: str = ""
    until: str = ""
    #: One of LEVELS: this one and those above it.
    level: str = ""
    #: A part of the line, in capitals or not.
    text: str = ""

    @property
    def chooses(self) -> bool:
        """Whether it leaves any line out."""
        return self != LineFilter()

    def passes(self, line: Line) -> bool:
        """Tell whether a line is wanted; one without a level is only where none is asked for."""
        if (self.since and line.at < self.since) or (self.until and line.at >= self.until):
            return False
        if self.text and self.text.casefold() not in line.text.casefold():
            return False
        if not self.level:
            return True
        found = level_of(line.text)
        return found in LEVELS and LEVELS.index(found) >= LEVELS.index(self.level)


def level_of(text: str) -> str:
    """Read the level of a line; empty where it says none."""
    fields = fields_of(text)
    if fields is not None:
        said = next((fields[name] for name in LEVEL_FIELDS if name in fields), "")
        return level_named(str(said))
    found = _WORD.search(text[:_HEAD])
    return level_named(found[0].rstrip(":")) if found else ""


def moment(written: str, now: datetime) -> str:
    """Read a moment as lines write it: `10m` before now, or a time of ISO 8601.

    A time without a zone is in UTC, as lines are shown.

    Raises:
        ValueError: it is neither.
    """
    if found := _DURATION.fullmatch(written):
        at = now - timedelta(**{_UNITS[found[2]]: int(found[1])})
    else:
        at = datetime.fromisoformat(written)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
