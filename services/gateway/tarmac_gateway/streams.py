"""Streams of server-sent events on their way from a backend to a reader.

Made by app.py, used by proxy.py. They last until one side ends them, so they are counted, and they
end with the process instead of holding it up. It looks into no event and asks for none again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from tarmac_gateway.connection import Connection
from tarmac_kit.problems import Problem

#: How often a stream looks whether the process is ending.
LOOK_S = 0.5


class Streams:
    """The streams of events that pass: they last, so they are counted and end with the process."""

    def __init__(self, *, most: int, draining: Callable[[], bool]) -> None:
        self._most = most
        self._draining = draining
        self._open = 0

    def take(self) -> None:
        """Count one more; one too many is a problem 503."""
        if self._open >= self._most:
            raise Problem(
                503,
                "too_many_streams",
                "There are too many streams",
                f"at most {self._most} pass at once; try again later",
                headers={"Retry-After": "5"},
            )
        self._open += 1

    def give_back(self) -> None:
        """Count one less."""
        self._open -= 1

    async def chunks(self, content: Connection) -> AsyncGenerator[bytes, None]:
        """Yield what comes, as it comes, until the backend ends it or the process drains.

        A reader forgets an event that is cut off and asks for it again.
        """
        reading: asyncio.Future[bytes] | None = None
        try:
            while not self._draining():
                reading = reading or asyncio.ensure_future(content.readany())
                await asyncio.wait({reading}, timeout=LOOK_S)
                if not reading.done():
                    continue
                chunk, reading = reading.result(), None
                if not chunk:
                    return
                yield chunk
        finally:
            if reading is not None:
                reading.cancel()
                await asyncio.wait({reading})
