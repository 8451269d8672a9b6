"""A transport that sends what is written in one turn of the event loop as one piece.

Put before asyncio's by protocol.py. An answer is written as a head and a body; each write of its
own is a system call that wakes the client for half an answer, a tenth of what a small one takes.
"""

from __future__ import annotations

import asyncio
from typing import Any

#: More than this is sent at once: a large answer is not gathered, and its sender may have to wait.
MOST_BYTES = 32 * 1024


class JoinedWrites(asyncio.Transport):
    """Passes all on to `transport`, writes at the end of the turn in which they came."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pending: list[bytes] = []
        self._size_bytes = 0

    def write(self, data: Any) -> None:
        """Send it with what else is written in this turn."""
        if not data:
            return
        if not self._pending:
            self._loop.call_soon(self.flush)
        self._pending.append(data)
        self._size_bytes += len(data)
        if self._size_bytes > MOST_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send what is there."""
        pending = self._pending
        if pending:
            whole = pending[0] if len(pending) == 1 else b"".join(pending)
            pending.clear()
            self._size_bytes = 0
            self._transport.write(whole)

    def write_eof(self) -> None:
        """Say that no more comes, behind what was written."""
        self.flush()
        self._transport.write_eof()

    def can_write_eof(self) -> bool:
        """Tell whether that can be said."""
        return self._transport.can_write_eof()

    def close(self) -> None:
        """Close it when all is sent."""
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        """Close it at once."""
        self._pending.clear()
        self._transport.abort()

    def is_closing(self) -> bool:
        """Tell whether it is closed, or soon."""
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what is known of the connection."""
        return self._transport.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        """Return how many bytes wait."""
        return self._size_bytes + self._transport.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Say from which size on the sender waits."""
        self._transport.set_write_buffer_limits(high, low)

    def pause_reading(self) -> None:
        """Read no more."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._transport.resume_reading()

    def is_reading(self) -> bool:
        """Tell whether it reads."""
        return self._transport.is_reading()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Give it to another protocol."""
        self._transport.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol that reads it."""
        return self._transport.get_protocol()
