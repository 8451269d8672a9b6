"""A request's body on its way to a backend, chunk by chunk, counted and never gathered.

Made by proxy.py for each request that has one; connection.py iterates it while it sends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from enum import Enum

from starlette.types import Receive


class Outcome(Enum):
    """How the reading of a body ended, or that it has not."""

    #: Chunks are still to come.
    OPEN = "open"
    #: The last chunk was handed on.
    COMPLETE = "complete"
    #: The client closed the connection.
    GONE = "gone"
    #: More bytes came than are allowed.
    TOO_LARGE = "too_large"


class BodyAbortedError(Exception):
    """The request's body ended before its last chunk; the upstream request must not complete."""


class RequestBody:
    """Read a body once, in chunks, up to `limit_bytes`."""

    def __init__(
        self, receive: Receive, *, limit_bytes: int, on_progress: Callable[[], None]
    ) -> None:
        self._receive = receive
        self._limit_bytes = limit_bytes
        self._on_progress = on_progress
        self._ended = asyncio.Event()
        self.outcome = Outcome.OPEN
        self.received_bytes = 0
        #: True while the next chunk is awaited: a timeout now is the client's doing.
        self.waiting = False

    async def chunks(self) -> AsyncIterator[bytes]:
        while True:
            self.waiting = True
            message = await self._receive()
            self.waiting = False
            if message["type"] == "http.disconnect":
                self._end(Outcome.GONE)
                raise BodyAbortedError("the client is gone")
            chunk = message.get("body", b"")
            self.received_bytes += len(chunk)
            if self.received_bytes > self._limit_bytes:
                self._end(Outcome.TOO_LARGE)
                raise BodyAbortedError("the body is larger than allowed")
            self._on_progress()
            if not message.get("more_body", False):
                self._end(Outcome.COMPLETE)
            if chunk:
                yield chunk
            if self.outcome is Outcome.COMPLETE:
                return

    async def disconnected(self) -> None:
        """Return when the client has gone, or when it sent more than it may."""
        await self._ended.wait()
        if self.outcome is not Outcome.COMPLETE:
            return
        await disconnected(self._receive)
        self.outcome = Outcome.GONE

    def _end(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self._ended.set()


async def disconnected(receive: Receive) -> None:
    """Return when a client from which no more body comes has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
