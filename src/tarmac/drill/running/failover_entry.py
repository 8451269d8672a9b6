"""Carries visitors to one of two regions: what a name of DNS that is changed does to them.

Used by the drill `failover`, in whose process it listens. It reads nothing of what it carries, but
relies on one thing of HTTP: a client speaks first, so that a connection without a request under way
can go on with another server.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

HOST = "127.0.0.1"
READ_BYTES = 64 * 1024
#: An answer has ended once no more of it came for so long; one that takes longer is broken off.
QUIET_S, HOLD_S, POLL_S = 0.5, 10.0, 0.05


class FailoverEntry:
    """Listens once for each URL of the first region, between enter and exit."""

    def __init__(self, regions: Sequence[Mapping[str, str]]) -> None:
        """Take the URLs of the regions, by name."""
        self._regions = regions
        #: Where visitors find what each name stands for.
        self.urls: dict[str, str] = {}
        #: Where they are carried.
        self.region = 0
        self.is_open = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._servers: list[asyncio.Server] = []
        self._visitors: dict[asyncio.Task[None], _Visitor] = {}

    def __enter__(self) -> Self:
        self.is_open.set()
        self._loop.run_until_complete(self._listen())
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._close())
        self._loop.close()

    def hold(self) -> None:
        """Keep visitors waiting; returns once what was under way is answered, in HOLD_S at most."""
        self._carry_out(self.is_open.clear)
        end = time.monotonic() + HOLD_S
        while any(one.is_served for one in list(self._visitors.values())):
            if time.monotonic() > end:
                break
            time.sleep(POLL_S)

    def turn_to(self, region: int, *, breaks: bool = False) -> None:
        """Carry visitors to a region from now on, those that wait as well.

        Args:
            breaks: their connections, as those to a region that is lost are.
        """

        def turn() -> None:
            self.region = region
            for visitor in list(self._visitors.values()):
                visitor.leave(breaks=breaks)
            self.is_open.set()

        self._carry_out(turn)

    def port_of(self, name: str) -> int:
        """Name the port of what visitors are carried to now."""
        return urlsplit(self._regions[self.region][name]).port or 0

    def _carry_out(self, change: Callable[[], None]) -> None:
        """Do it between two things that the loop does; returns once it is done."""
        done = threading.Event()

        def change_now() -> None:
            change()
            done.set()

        self._loop.call_soon_threadsafe(change_now)
        done.wait()

    async def _listen(self) -> None:
        ports: dict[str, int] = {}
        for name, url in self._regions[0].items():
            if url not in ports:
                server = await asyncio.start_server(self._accepting(name), HOST, 0)
                self._servers.append(server)
                ports[url] = server.sockets[0].getsockname()[1]
            self.urls[name] = f"http://{HOST}:{ports[url]}"

    def _accepting(self, name: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            visitor = _Visitor(self, name, reader, writer)
            task = self._loop.create_task(visitor.carry())
            self._visitors[task] = visitor
            task.add_done_callback(lambda task: self._visitors.pop(task, None))

        return accept

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Visitor:
    """One connection of a visitor, and the one that it goes on with."""

    def __init__(
        self,
        entry: FailoverEntry,
        name: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._entry = entry
        self._name = name
        self._reader = reader
        self._writer = writer
        #: When something was carried the last time, there and back; monotonic.
        self._asked_at = self._answered_at = 0.0
        self._there: asyncio.StreamWriter | None = None
        self._answering: asyncio.Task[None] | None = None

    @property
    def is_served(self) -> bool:
        """Whether it waits for an answer, or for the end of one."""
        is_asking = self._asked_at > self._answered_at
        is_answered = time.monotonic() > self._answered_at + QUIET_S
        return self._there is not None and (is_asking or not is_answered)

    async def carry(self) -> None:
        """Carry what the visitor sends, until one of the two ends."""
        try:
            while data := await self._reader.read(READ_BYTES):
                await self._entry.is_open.wait()
                if self._there is None:
                    port = self._entry.port_of(self._name)
                    reader, self._there = await asyncio.open_connection(HOST, port)
                    self._answering = asyncio.create_task(self._answer(reader))
                self._asked_at = time.monotonic()
                self._there.write(data)
                await self._there.drain()
        except OSError:
            pass  # the visitor left, or nothing is there
        finally:
            self.leave(breaks=True)

    def leave(self, *, breaks: bool) -> None:
        """Give up the connection to where it went so far; what comes next goes elsewhere."""
        if self._answering is not None:
            self._answering.cancel()
        if self._there is not None:
            self._there.transport.abort()
        self._there = self._answering = None
        if breaks:
            self._writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(READ_BYTES):
                self._answered_at = time.monotonic()
                self._writer.write(data)
                await self._writer.drain()
        self._writer.close()
