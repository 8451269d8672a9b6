"""Reads log files as they grow, merged by time, and writes their lines for a person."""

from __future__ import annotations

import heapq
import json
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from rich.text import Text

COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "bright_cyan", "bright_magenta")
LEVELS = {"error": "bold red", "critical": "bold red", "warning": "yellow", "debug": "dim"}
#: Fields of a kit log line that every line has: shown elsewhere or not worth the width.
KNOWN = frozenset({"ts", "level", "event", "service", "trace_id", "span_id", "timestamp"})

CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")

Line = tuple[str, str, str]


class Tail:
    """One process's log file, read from a place on; follows it through rotations."""

    def __init__(self, path: Path, *, last: int | None) -> None:
        self.name = path.stem
        self._path = path
        self._offset = 0
        self._inode = 0
        self._rest = b""
        self._skip = last
        if last == 0 and path.exists():
            status = path.stat()
            self._offset, self._inode = status.st_size, status.st_ino

    def read(self) -> list[Line]:
        """Return the new lines: (time, name, text)."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            inode = self._path.stat().st_ino
            if inode != self._inode:
                self._offset, self._inode = 0, inode
            file.seek(self._offset)
            data = file.read()
        self._offset += len(data)
        *raw, self._rest = (self._rest + data).split(b"\n")
        if self._skip is not None:
            raw, self._skip = (raw[-self._skip :] if self._skip else raw), None
        lines = (line.decode("utf-8", "replace").partition(" ") for line in raw)
        return [(at, self.name, text) for at, _, text in lines]


def merged(tails: Iterable[Tail]) -> list[Line]:
    """Read every tail once, in the order of time."""
    return list(heapq.merge(*(tail.read() for tail in tails)))


def follow(
    tails: list[Tail], goes_on: Callable[[], bool] = lambda: True, *, every_s: float = 0.1
) -> Iterator[Line]:
    """Yield lines as they come, as long as `goes_on` says so; it is asked about once a second."""
    while True:
        for _ in range(max(1, round(1 / every_s))):
            yield from merged(tails)
            time.sleep(every_s)
        if not goes_on():
            yield from merged(tails)
            return


def written(line: Line, width: int) -> Text:
    """Write one line: clock, name in its colour, and a kit line's fields in place of its JSON."""
    at, name, text = line
    colour = COLOURS[zlib.crc32(name.encode()) % len(COLOURS)]
    shown = Text.assemble((at[11:19], "dim"), " ", (f"{name:<{width}}", colour), " ")
    fields = _fields(text)
    if fields is None:
        # Colours and cursor moves of a service are its own terminal's affair.
        return shown.append(CONTROL.sub("", text))
    level = str(fields.get("level", "info"))
    shown.append(str(fields["event"]), LEVELS.get(level, ""))
    for key, value in fields.items():
        if key not in KNOWN:
            shown.append(f" {key}=", "dim").append(str(value))
    return shown


def _fields(text: str) -> dict[str, object] | None:
    if not text.startswith("{"):
        return None
    try:
        fields = json.loads(text)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) and "event" in fields else None
