"""Between the receiver and the file: a bounded queue, written in batches by one thread.

A write never blocks the receiver. When the file is slower than what comes, the newest are refused:
what is on its way to the file stays whole.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence

from tarmac.run.telemetry.limits import TooLarge
from tarmac.run.telemetry.log_record import LogRecord
from tarmac.run.telemetry.span import Span
from tarmac.run.telemetry.storage import Retention, Storage

#: Spans and log records that wait at most, usually about 40 MiB, and bytes of their requests.
MOST_WAITING, MOST_WAITING_BYTES = 20_000, 64 << 20
#: How long they are collected for one transaction.
COLLECT_S = 0.1
PRUNE_S = 60.0
#: After a write that failed (a full disk), before the next attempt.
PAUSE_S = 1.0


class Writer:
    """Takes spans and log records and writes them until it is closed."""

    def __init__(
        self,
        storage: Storage,
        *,
        retention: Retention | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Take what to do with a complaint: a line without any data of what came."""
        self._storage = storage
        self._retention = retention or Retention()
        self._say = say
        self._waiting: list[Span | LogRecord] = []
        self._waiting_bytes = 0
        self._came = asyncio.Event()
        self._ending = False
        self._failing = False
        self.counts = {"received": 0, "written": 0, "refused": 0}

    def queue(self, given: Sequence[Span | LogRecord], size: int) -> bool:
        """Queue rows for the next batch; return False and queue none if the queue is full.

        Args:
            size: the bytes that they came in.

        Raises:
            TooLarge: they never have a place.
        """
        if len(given) > MOST_WAITING:
            self.counts["refused"] += len(given)
            raise TooLarge(f"{len(given)} at once; send {MOST_WAITING} at most")
        is_full = len(self._waiting) + len(given) > MOST_WAITING
        if self._ending or is_full or self._waiting_bytes + size > MOST_WAITING_BYTES:
            self.counts["refused"] += len(given)
            return False
        self._waiting += given
        self._waiting_bytes += size
        self.counts["received"] += len(given)
        self._came.set()
        return True

    async def run(self) -> None:
        """Write what comes, and delete what is too old, until `close`."""
        loop = asyncio.get_running_loop()
        next_prune = loop.time()
        while not (self._ending and not self._waiting):
            if loop.time() >= next_prune:
                more = await self._try(lambda: self._storage.prune(self._retention))
                # One step at a time: batches are written between them.
                next_prune = loop.time() + (COLLECT_S if more else PRUNE_S)
            wait_s = next_prune - loop.time()
            try:
                async with asyncio.timeout(max(0.0, wait_s)):
                    await self._came.wait()
            except TimeoutError:
                continue
            if not self._ending:
                await asyncio.sleep(COLLECT_S)
            self._came.clear()
            await self._write()

    def close(self) -> None:
        """Make `run` write the queued rows once, and return."""
        self._ending = True
        self._came.set()

    async def _write(self) -> None:
        batch, self._waiting = self._waiting, []
        size, self._waiting_bytes = self._waiting_bytes, 0
        if not batch:
            return
        if await self._try(lambda: self._storage.add(batch)) is False:
            if self._ending:
                self.counts["refused"] += len(batch)
                return
            self._waiting = batch + self._waiting
            self._waiting_bytes += size
            await asyncio.sleep(PAUSE_S)
            self._came.set()
            return
        self.counts["written"] += len(batch)

    async def _try(self, work: Callable[[], int | None]) -> int | bool:
        """Run work of the file in a thread; False where the file refused it, said once."""
        try:
            found = await asyncio.to_thread(work)
        except sqlite3.Error as error:
            if not self._failing:
                self._say(f"telemetry cannot be written: {error}")
            self._failing = True
            return False
        if self._failing:
            self._say("telemetry is written again")
        self._failing = False
        return found or 0
