"""Two processes on one socket: each asks the other and answers it, a JSON line at a time.

Used by both ends of a hosted service. It knows no verb and repeats nothing: what was asked of a
process that ends meanwhile raises PeerGone.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

#: A frame is a request with its body at most.
LONGEST_BYTES = 2**24

Answer = Callable[[Any], None]
#: Gets the verb, what came with it, and the function that answers; what it raises is answered too.
Serve = Callable[[str, dict[str, Any], Answer], Awaitable[None]]


class PeerGone(ConnectionError):
    """The other process ended before it answered."""


class PeerError(Exception):
    """The other process answered with an error."""


class Peer:
    """One end of the socket."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._numbers = count(1)
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._writer: asyncio.StreamWriter | None = None
        #: Set as soon as something can be sent.
        self.open = asyncio.Event()
        self.gone = False

    async def run(self, sock: socket.socket) -> None:
        """Answer until the other end is closed; then what is still asked raises PeerGone."""
        reader, self._writer = await asyncio.open_unix_connection(sock=sock, limit=LONGEST_BYTES)
        self.open.set()
        try:
            while line := await reader.readline():
                self._take(json.loads(line))
        except (OSError, ValueError):
            pass  # it ended in the middle of a line
        finally:
            self.gone = True
            for waiting in self._asked.values():
                if not waiting.done():
                    waiting.set_exception(PeerGone("the process ended"))
            self._asked.clear()
            for task in self._tasks:
                task.cancel()
            self._writer.close()

    async def ask(self, verb: str, **what: Any) -> Any:
        """Return the other end's answer; raise PeerGone or PeerError."""
        number = next(self._numbers)
        waiting = self._asked[number] = asyncio.get_running_loop().create_future()
        self.tell(verb, number=number, **what)
        try:
            return await waiting
        finally:
            self._asked.pop(number, None)

    def tell(self, verb: str, number: int = 0, **what: Any) -> None:
        """Send without waiting; raise PeerGone where the other end is closed."""
        if self.gone or self._writer is None:
            raise PeerGone("the process ended")
        self._send({"verb": verb, "number": number, "what": what})

    def _send(self, frame: dict[str, Any]) -> None:
        if self._writer is not None and not self.gone:
            self._writer.write(json.dumps(frame).encode() + b"\n")

    def _take(self, frame: dict[str, Any]) -> None:
        if "verb" not in frame:
            waiting = self._asked.get(frame["answers"])
            if waiting is not None and not waiting.done():
                if "error" in frame:
                    waiting.set_exception(PeerError(frame["error"]))
                else:
                    waiting.set_result(frame["value"])
            return
        task = asyncio.create_task(self._answer(frame))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, frame: dict[str, Any]) -> None:
        number = frame["number"]
        try:
            await self._serve(
                frame["verb"],
                frame["what"],
                lambda value: self._send({"answers": number, "value": value}),
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the asker waits for an answer
            self._send({"answers": number, "error": f"{type(error).__name__}: {error}"})
