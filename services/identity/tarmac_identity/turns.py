"""Threads for dear work, shared fairly: each source gets a turn before one gets its second.

Used by passwords.py. What waits is bounded: when all places are taken, the source with most in the
queue loses its last one. So one source that asks for ever delays another by one turn at a time.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from tarmac_kit import Problem

T = TypeVar("T")
Waiter = asyncio.Future[None]


def overloaded() -> Problem:
    """Return the 503 of work for which there is no place."""
    return Problem(
        503,
        "overloaded",
        "Too many logins at once",
        "try again in a moment",
        headers={"Retry-After": "1"},
    )


class FairThreads:
    """`workers` threads and `places` in the queue before them."""

    def __init__(self, *, workers: int, places: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._free = workers
        self._places = places
        #: The source whose turn is next stands first.
        self._queues: OrderedDict[str, deque[Waiter]] = OrderedDict()

    async def run(self, source: str, work: Callable[[], T]) -> T:
        """Run `work` in a thread when it is the source's turn. Raises the Problem `overloaded`."""
        await self._turn(source)
        running = asyncio.get_running_loop().run_in_executor(self._pool, work)
        # Not in a finally here: a caller that goes away does not free the thread.
        running.add_done_callback(self._next)
        return await asyncio.shield(running)

    def close(self) -> None:
        """End the threads; what waits is not done any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _turn(self, source: str) -> None:
        if self._free:
            self._free -= 1
            return
        waiter: Waiter = asyncio.get_running_loop().create_future()
        self._queue(source, waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._next(None)  # its turn came as it went away
            else:
                self._leave(source, waiter)
            raise

    def _queue(self, source: str, waiter: Waiter) -> None:
        if sum(map(len, self._queues.values())) >= self._places:
            longest = max(self._queues, key=lambda name: len(self._queues[name]))
            if len(self._queues[longest]) <= len(self._queues.get(source, ())) + 1:
                raise overloaded()
            last = self._queues[longest][-1]
            self._leave(longest, last)
            if not last.done():
                last.set_exception(overloaded())
        self._queues.setdefault(source, deque()).append(waiter)

    def _leave(self, source: str, waiter: Waiter) -> None:
        queue = self._queues.get(source)
        if queue is not None and waiter in queue:
            queue.remove(waiter)
            if not queue:
                del self._queues[source]

    def _next(self, _done: asyncio.Future[Any] | None) -> None:
        """Give a thread that is free to the source whose turn it is."""
        while self._queues:
            source, queue = self._queues.popitem(last=False)
            waiter = queue.popleft()
            if queue:
                self._queues[source] = queue
            if not waiter.done():  # its caller may have gone away just now
                waiter.set_result(None)
                return
        self._free += 1
