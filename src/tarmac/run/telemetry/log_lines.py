"""Lines of several processes, merged by time, read from their files as they grow."""

from __future__ import annotations

import heapq
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

#: How JSON lines name their trace: the kit and OpenTelemetry's SDKs, OTLP's JSON, some loggers.
TRACE_FIELDS = ("trace_id", "traceId", "traceid", "trace.id", "otelTraceID")

#: The levels of lines, and what loggers call them besides: the numbers are pino's and bunyan's.
LEVELS = ("debug", "info", "warning", "error", "critical")
_OTHER_NAMES = {
    "trace": "debug",
    "notice": "info",
    "warn": "warning",
    "err": "error",
    "fatal": "critical",
    "panic": "critical",
    "10": "debug",
    "20": "debug",
    "30": "info",
    "40": "warning",
    "50": "error",
    "60": "critical",
}


class Line(NamedTuple):
    """One line of one process: when it was written, by which node, and what it says."""

    at: str
    name: str
    text: str


class Place(NamedTuple):
    """How far a file was read: the file itself, since it is rotated, and the offset in it."""

    inode: int
    offset: int


class Tail:
    """One process's log file, read on from a place; follows it through rotations.

    Args:
        last: so many lines of what is there are returned first; None: all of them.
        place: where an earlier reader stopped; None: at the start of the file.
    """

    def __init__(self, path: Path, *, last: int | None, place: Place | None = None) -> None:
        self.name = path.stem
        self._path = path
        self._read = place or Place(0, 0)
        self._rest = b""
        self._skip = None if place else last
        if self._skip == 0 and path.exists():
            status = path.stat()
            self._read = Place(status.st_ino, status.st_size)

    @property
    def place(self) -> Place:
        """How far it was read: to the end of the last whole line."""
        return Place(self._read.inode, self._read.offset - len(self._rest))

    def read(self) -> list[Line]:
        """Return the new lines."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            inode = self._path.stat().st_ino
            if inode != self._read.inode:
                self._read = Place(inode, 0)
            file.seek(self._read.offset)
            data = file.read()
        self._read = Place(inode, self._read.offset + len(data))
        *raw, self._rest = (self._rest + data).split(b"\n")
        if self._skip is not None:
            raw, self._skip = (raw[-self._skip :] if self._skip else raw), None
        lines = (line.decode("utf-8", "replace").partition(" ") for line in raw)
        return [Line(at, self.name, text) for at, _, text in lines]


class LineSource(Protocol):
    """What has new lines again and again: a file, or the records that services sent."""

    def read(self) -> list[Line]:
        """Return the new lines, in the order of time."""


def merged(tails: Iterable[LineSource]) -> list[Line]:
    """Read every tail once, in the order of time."""
    return list(heapq.merge(*(tail.read() for tail in tails)))


def follow(
    tails: Sequence[LineSource], goes_on: Callable[[], bool] = lambda: True, *, every_s: float = 0.1
) -> Iterator[Line]:
    """Yield lines as they come, while `goes_on` is true; it is called about once a second."""
    while True:
        for _ in range(max(1, round(1 / every_s))):
            yield from merged(tails)
            time.sleep(every_s)
        if not goes_on():
            yield from merged(tails)
            return


def fields_of(text: str) -> dict[str, Any] | None:
    """Read the fields of a line that is a JSON object; None for any other."""
    if not text.startswith("{"):
        return None
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def trace_of(fields: dict[str, Any]) -> str:
    """Return the trace that a line says it is of; empty where it does not say."""
    found = (fields.get(name) for name in TRACE_FIELDS)
    return next((trace_id for trace_id in found if isinstance(trace_id, str)), "")


def is_of_trace(text: str, prefix: str) -> bool:
    """Tell whether a line says that it is of the trace whose id begins with `prefix`."""
    fields = fields_of(text) if prefix in text else None
    return fields is not None and trace_of(fields).startswith(prefix)


def level_named(said: str) -> str:
    """Return one of LEVELS for what a logger calls it; a name that is not known as it is."""
    name = said.lower()
    return _OTHER_NAMES.get(name, name)
