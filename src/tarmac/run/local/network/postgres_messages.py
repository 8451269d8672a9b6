"""Reads the types of PostgreSQL's messages: what kind of command, whether it failed, how long.

From the first message of a client until the server is ready for the next (ReadyForQuery) is one
command, as drivers send them; its kind is the first word of the server's CommandComplete: SELECT,
INSERT. Never a statement, a parameter or a row (postgresql.org/docs/current/protocol.html). A
connection that turns to TLS goes on unread.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

from tarmac.run.local.network.durations import FAILED, OK

#: What a client may begin with: protocol 3, and the question whether there is TLS or GSSAPI.
VERSIONS = (0x0003_0000, 0x0003_0002)
ENCRYPTION = (80877103, 80877104)
HEAD = struct.Struct(">cI")
HEAD_BYTES = 5
#: Bytes of a command's tag that are read: `INSERT 0 1`, `CREATE TABLE`.
TAG_BYTES = 24


def is_start(data: bytes) -> bool:
    """Tell whether a connection begins so."""
    return len(data) >= 8 and int.from_bytes(data[4:8]) in (*VERSIONS, *ENCRYPTION)


class PostgresMessages:
    """Both directions of one connection."""

    def __init__(self, count: Callable[[str, int, float], None]) -> None:
        self._count = count
        self.ended = False
        #: Whether the next answer is one byte; and whether the client has named itself.
        self._asks_encryption = False
        self._started = False
        self._began: float | None = None
        self._kind = ""
        self._failed = False
        #: Bytes of the current message that are still to come, and those of a head that was cut.
        self._skip = 0
        self._rest = b""

    def sent(self, data: bytes) -> None:
        """Note when a command begins; its messages are not looked at."""
        if not self._started:
            self._asks_encryption = int.from_bytes(data[4:8]) in ENCRYPTION
            self._started = not self._asks_encryption
        elif self._began is None:
            self._began = time.monotonic()

    def received(self, data: bytes) -> None:
        """Read the heads of the server's messages."""
        if self._asks_encryption:
            self._asks_encryption = False
            if data[:1] != b"N":  # from here on nothing can be read
                self.ended = True
                return
            data = data[1:]
        if self._rest:
            data, self._rest = self._rest + data, b""
        at, end = self._skip, len(data)
        while at < end:
            if end - at < HEAD_BYTES:
                self._rest = data[at:]
                at = end
                break
            kind, length = HEAD.unpack_from(data, at)
            if kind == b"C" and end - at < min(length + 1, TAG_BYTES):
                self._rest = data[at:]
                at = end
                break
            self._message(kind, data, at + HEAD_BYTES)
            if length < 4 or self.ended:
                self.ended = True
                return
            at += 1 + length
        self._skip = at - end

    def _message(self, kind: bytes, data: bytes, at: int) -> None:
        if kind == b"Z":
            self._ready()
        elif kind == b"C":
            words = data[at : at + TAG_BYTES].split(b"\0", 1)[0].split()
            self._kind = self._kind or (words[0].decode("ascii", "replace") if words else "")
        elif kind == b"E":
            self._failed = True
        elif kind in b"GHW":  # a copy: rows in messages of their own, in either direction
            self._kind = "COPY"

    def _ready(self) -> None:
        """Count the command that has ended; one without a tag prepared another or began all."""
        began, kind, failed = self._began, self._kind, self._failed
        self._began, self._kind, self._failed = None, "", False
        if began is not None and (kind or failed):
            status = FAILED if failed else OK
            self._count(kind or "ERROR", status, time.monotonic() - began)

    def closed(self) -> None:
        """Count nothing: a command without an answer has none."""
