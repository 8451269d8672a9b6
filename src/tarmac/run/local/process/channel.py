"""JSON lines over one end of a socket pair, descriptors with a line's first byte.

How the supervisor talks with its guard, its fork servers and its wires.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any


class Channel:
    """The supervisor's end."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end: socket.socket | None = end
        self._lock = asyncio.Lock()

    async def send(self, message: Mapping[str, Any], fds: Sequence[int] = ()) -> None:
        """Send one line, and descriptors with it. Raises OSError if the other end is gone."""
        data = json.dumps(message).encode() + b"\n"
        loop = asyncio.get_running_loop()
        async with self._lock:
            if self._end is None:
                raise OSError("the other end is closed")
            if fds:
                await self._send_fds(self._end, data[:1], fds)
                data = data[1:]
            await loop.sock_sendall(self._end, data)

    async def _send_fds(self, end: socket.socket, first: bytes, fds: Sequence[int]) -> None:
        while True:
            try:
                socket.send_fds(end, [first], list(fds))
                return
            except BlockingIOError:  # its buffer is full: the other end is busy
                await asyncio.sleep(0.001)

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what the other end says, until it closes."""
        loop = asyncio.get_running_loop()
        buffer = b""
        while self._end is not None:
            try:
                data = await loop.sock_recv(self._end, 65536)
            except OSError:
                return
            if not data:
                return
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                yield json.loads(line)

    def finish(self) -> None:
        """Say that nothing more will come; the other end's last messages still do."""
        if self._end is not None:
            with contextlib.suppress(OSError):
                self._end.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close our end."""
        if self._end is not None:
            self._end.close()
            self._end = None
