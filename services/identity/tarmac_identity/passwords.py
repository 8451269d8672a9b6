"""bcrypt off the event loop, by a few threads and with a bounded queue.

Used by service.py for every login and registration. A password is never logged or kept.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import bcrypt

from tarmac_kit import Problem

T = TypeVar("T")

#: At cost 12 a hash takes a quarter of a second: what waits longer than this many turns is past
#: the caller's deadline anyway.
TURNS = 8


class Passwords:
    """Hashes and checks passwords at one cost."""

    def __init__(self, *, cost: int, workers: int | None = None) -> None:
        self.cost = cost
        self._workers = workers or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="bcrypt")
        self._waiting = 0
        salt = bcrypt.gensalt(cost)
        #: A hash that no password has, as dear to check as a real one.
        self.nobody = (salt + b"." * 31).decode()

    async def hash(self, password: str) -> str:
        """Return the bcrypt hash of a password of at most 72 bytes."""
        hashed = await self._run(
            lambda: bcrypt.hashpw(password.encode(), bcrypt.gensalt(self.cost))
        )
        return hashed.decode()

    async def matches(self, password: str, hashed: str) -> bool:
        """Say whether the password is the hash's; one that bcrypt cannot take never is."""
        given = password.encode("utf-8", "surrogatepass")
        usable = given if len(given) <= 72 and b"\x00" not in given else b"."
        found = await self._run(lambda: bcrypt.checkpw(usable, hashed.encode()))
        return found and usable is given

    def outdated(self, hashed: str) -> bool:
        """Say whether a hash was made at another cost than today's."""
        return hashed.split("$")[2:3] != [f"{self.cost:02}"]

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= self._workers * TURNS:
            raise Problem(
                503,
                "overloaded",
                "Too many logins at once",
                "try again in a moment",
                headers={"Retry-After": "1"},
            )
        self._waiting += 1
        running = asyncio.get_running_loop().run_in_executor(self._pool, work)
        # Not in a finally here: a caller that goes away does not free the thread.
        running.add_done_callback(self._done)
        return await asyncio.shield(running)

    def _done(self, _future: asyncio.Future[T]) -> None:
        self._waiting -= 1
