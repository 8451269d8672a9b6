"""Each process's output on disk, one record per line, rotated; secrets are redacted first."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

#: A file is rotated at this size and this many old ones are kept: 40 MB a process at most.
MAX_BYTES = 10_000_000
KEPT = 3
#: Lines kept in memory to explain a crash: many programs print an object of 30 after the error.
TAIL_LINES = 100
#: The last of them are shown.
SHOWN_LINES = 20
MAX_LINE_BYTES = 65536
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class LogFile:
    """One process's log; `feed` takes raw output, whole lines are written with their time."""

    def __init__(self, path: Path, secrets: Iterable[str] = ()) -> None:
        self.path = path
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.on_line: Callable[[str], None] | None = None
        self._hidden: frozenset[str] = frozenset()
        self.hide(secrets)
        self._rest = b""
        self._file = path.open("ab", buffering=0)
        path.chmod(0o600)
        self._size = path.stat().st_size

    def hide(self, values: Iterable[str]) -> None:
        """Strike these values out of every line from now on, too."""
        self._hidden |= frozenset(values)
        wanted = sorted({re.escape(value) for value in self._hidden if len(value) >= 8}, key=len)
        self._secret = re.compile("|".join(reversed(wanted))) if wanted else None

    def feed(self, data: bytes) -> None:
        """Take output as it comes; an unfinished line waits for its end."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            lines.append(self._rest)
            self._rest = b""
        if lines:
            self._write([line.decode("utf-8", "replace").rstrip("\r") for line in lines])

    def note(self, line: str) -> None:
        """Write a line of the runtime's own, e.g. that the process ended."""
        self._write([f"[tarmac] {line}"])

    def redact(self, text: str) -> str:
        """Put `<secret>` in place of every secret."""
        return self._secret.sub("<secret>", text) if self._secret else text

    def finish(self) -> None:
        """Write what is left without a line's end."""
        if self._rest:
            self.feed(b"\n")

    def close(self) -> None:
        """Close the file."""
        self.finish()
        self._file.close()

    def _write(self, lines: list[str]) -> None:
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        out = []
        for line in lines:
            clean = self.redact(line)
            self.tail.append(ANSI.sub("", clean))
            out.append(f"{now} {clean}\n")
            if self.on_line is not None:
                self.on_line(clean)
        data = "".join(out).encode()
        # A full disk costs lines of the log, never the process that printed them.
        with contextlib.suppress(OSError):
            self._file.write(data)
            self._size += len(data)
            if self._size > MAX_BYTES:
                self._rotate()

    def _rotate(self) -> None:
        self._file.close()
        for number in range(KEPT - 1, 0, -1):
            old = self.path.with_suffix(f".log.{number}")
            if old.exists():
                old.replace(self.path.with_suffix(f".log.{number + 1}"))
        self.path.replace(self.path.with_suffix(".log.1"))
        self._file = self.path.open("ab", buffering=0)
        self.path.chmod(0o600)
        self._size = 0


def rotate(path: Path) -> None:
    """Truncate a log that is too large, while its writers have it open for appending."""
    with contextlib.suppress(OSError):  # not written yet, or the disk is full: at the next check
        if path.stat().st_size > MAX_BYTES:
            shutil.copyfile(path, old := path.with_suffix(".log.1"))
            old.chmod(0o600)
            os.truncate(path, 0)


class _Reader(asyncio.Protocol):
    def __init__(self, log: LogFile) -> None:
        self._log = log
        self.closed = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self._log.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's shape
        self._log.finish()
        if not self.closed.done():
            self.closed.set_result(None)


class Output:
    """A pipe whose one end a process writes to and whose other end fills a log."""

    def __init__(self, log: LogFile) -> None:
        self._log = log
        self._read, self.write_end = os.pipe()

    async def start(self) -> None:
        """Begin to read."""
        loop = asyncio.get_running_loop()
        pipe = os.fdopen(self._read, "rb", buffering=0)
        self._transport, self._protocol = await loop.connect_read_pipe(
            lambda: _Reader(self._log), pipe
        )

    def handed_over(self) -> None:
        """Close our copy of the writing end: the process has its own now."""
        os.close(self.write_end)

    async def drain(self, within_s: float = 0.5) -> None:
        """Wait for the last lines of a process that ended; a descendant may hold the pipe open."""
        await asyncio.wait([self._protocol.closed], timeout=within_s)
        self._transport.close()
