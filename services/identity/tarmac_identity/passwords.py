"""bcrypt off the event loop, by a few threads that all sources share fairly.

Used by service.py for every login and registration. A password is never logged or kept.
"""

from __future__ import annotations

import os

import bcrypt

from tarmac_identity.turns import FairThreads

#: At cost 12 a hash takes a quarter of a second: what waits longer than this many turns is past
#: the caller's deadline anyway.
TURNS = 8


class Passwords:
    """Hashes and checks passwords at one cost."""

    def __init__(self, *, cost: int, workers: int | None = None) -> None:
        self.cost = cost
        workers = workers or os.cpu_count() or 1
        self._threads = FairThreads(workers=workers, places=workers * TURNS, name="bcrypt")
        salt = bcrypt.gensalt(cost)
        #: A hash that no password has, as dear to check as a real one.
        self.decoy_hash = (salt + b"." * 31).decode()

    async def hash(self, password: str, *, source: str) -> str:
        """Return the bcrypt hash of a password of at most 72 bytes, in the source's turn."""
        hashed = await self._threads.run(
            source, lambda: bcrypt.hashpw(password.encode(), bcrypt.gensalt(self.cost))
        )
        return hashed.decode()

    async def matches(self, password: str, hashed: str, *, source: str) -> bool:
        """Return whether the password is the hash's; one that bcrypt cannot take never is."""
        given = password.encode("utf-8", "surrogatepass")
        usable = given if len(given) <= 72 and b"\x00" not in given else b"."
        found = await self._threads.run(source, lambda: bcrypt.checkpw(usable, hashed.encode()))
        return found and usable is given

    def outdated(self, hashed: str) -> bool:
        """Return whether a hash was made at another cost than today's."""
        return hashed.split("$")[2:3] != [f"{self.cost:02}"]

    def close(self) -> None:
        self._threads.close()
