"""Reads Redis's protocol: which command, whether it failed, how long its answer took.

Of a command its name is read, never a key or a value; of an answer where it ends
(redis.io/docs/latest/develop/reference/protocol-spec). Commands that are sent at once are answered
in their order. How a client begins is not counted. A connection that subscribes or monitors goes on
unread: its messages are not answers.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from tarmac.run.local.network.durations import FAILED, OK

#: Commands after which the server speaks by itself.
PUSHING = frozenset({"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR", "SYNC", "PSYNC"})
#: How a client begins: it tries what a server may not know, and goes on without.
BEGINNING = frozenset({"AUTH", "CLIENT", "COMMAND", "HELLO", "SELECT"})
#: Types of answers: those that end with their line, texts of a length, and groups of answers.
LINES, TEXTS = b"+-:_#,(", b"$!="
GROUPS = {b"*"[0]: 1, b"~"[0]: 1, b">"[0]: 1, b"%"[0]: 2, b"|"[0]: 2}
#: The longest head of a message; a longer line is an answer's own, or no such protocol.
HEAD_BYTES = 64


def is_command(data: bytes) -> bool:
    """Tell whether a connection begins with a command as clients send them."""
    return data[:1] == b"*" and data[1:2].isdigit()


class RedisMessages:
    """Both directions of one connection."""

    def __init__(self, count: Callable[[str, int, float], None]) -> None:
        self._count = count
        self.ended = False
        #: Name and start of each command that has no answer yet.
        self._open: deque[tuple[str, float]] = deque()
        self._commands = _Messages(self._command, reads_text=True)
        self._answers = _Messages(self._answer, reads_text=False)

    def sent(self, data: bytes) -> None:
        """Read what the client sent."""
        self._commands.read(data)
        self.ended = self.ended or self._commands.broken

    def received(self, data: bytes) -> None:
        """Read what the server answered."""
        self._answers.read(data)
        self.ended = self.ended or self._answers.broken

    def _command(self, _first: int, name: str) -> None:
        if name in PUSHING:
            self.ended = True
        self._open.append((name, time.monotonic()))

    def _answer(self, first: int, _text: str) -> None:
        if first == ord(">"):  # told without being asked
            return
        if self._open:
            name, began = self._open.popleft()
            status = FAILED if first in b"-!" else OK
            if name not in BEGINNING:
                self._count(name, status, time.monotonic() - began)

    def closed(self) -> None:
        """Count nothing: a command without an answer has none."""


class _Messages:
    """One direction: calls for each whole message, with its type and, if it is read, its name."""

    def __init__(self, on_message: Callable[[int, str], None], *, reads_text: bool) -> None:
        self._on_message = on_message
        self._reads_text = reads_text
        self.broken = False
        self._rest = b""
        #: Bytes of a text that are still to come.
        self._skip = 0
        #: How many parts of each group that is open are still to come.
        self._groups: list[int] = []
        self._first: int | None = None
        self._text = ""

    def read(self, data: bytes) -> None:
        if self._rest:
            data, self._rest = self._rest + data, b""
        at, end = self._skip, len(data)
        while at < end:
            line_end = data.find(b"\r\n", at)
            if line_end < 0:
                self._rest = data[at:]
                self.broken = data[at] not in LINES and end - at > HEAD_BYTES
                at = end
                break
            size = self._size(data, at, line_end)
            if size is None:
                self.broken = True
                return
            if self._wants_text(data[at]) and size > 0:
                if end - line_end < 2 + min(size, HEAD_BYTES):
                    self._rest = data[at:]
                    at = end
                    break
                text = data[line_end + 2 : line_end + 2 + min(size, HEAD_BYTES)]
                self._text = text.decode("ascii", "replace").upper().rstrip("\r\n")
            kind, at = data[at], line_end + 2 + (size if size >= 0 and data[at] in TEXTS else 0)
            if kind in TEXTS and size >= 0:
                at += 2
            self._part(kind, size)
        self._skip = at - end

    def _size(self, data: bytes, at: int, line_end: int) -> int | None:
        """Return the number in a head: bytes of a text, parts of a group; None: none is there."""
        kind = data[at]
        if kind in LINES:
            return 0
        if kind not in TEXTS and kind not in GROUPS:
            return None
        try:
            return int(data[at + 1 : line_end])
        except ValueError:
            return None

    def _wants_text(self, kind: int) -> bool:
        return self._reads_text and kind in TEXTS and not self._text

    def _part(self, kind: int, size: int) -> None:
        """Note one part; the message is whole when no group waits for more."""
        if self._first is None:
            self._first = kind
        if kind in GROUPS and size > 0:
            self._groups.append(size * GROUPS[kind])
            return
        while self._groups:
            self._groups[-1] -= 1
            if self._groups[-1]:
                return
            self._groups.pop()
        first, text, self._first, self._text = self._first, self._text, None, ""
        self._on_message(first, text)
