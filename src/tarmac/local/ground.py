"""What a supervisor stands on: the namespace's lock, the guard, and the fork servers.

Made by the daemon before anything else, and before the model is imported: interpreters that load
for half a second do so meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import resource
import sqlite3
import time
from collections.abc import Iterable

from tarmac.errors import TarmacError
from tarmac.local.home import leftovers, logs, remove
from tarmac.local.home.paths import Home
from tarmac.local.home.state import StateFile
from tarmac.local.machine.passed_on import passed_on
from tarmac.local.starting.forks import Forks
from tarmac.local.starting.guard import become_subreaper
from tarmac.local.starting.spawn import Spawner

#: How often to look whether the folder is still there.
CHECK_S = 1.0
DESCRIPTORS = 8192
#: Somebody who only looks whether the lock is held holds it for a moment.
LOCK_TRIES, LOCK_PAUSE_S = 20, 0.01


class AlreadyRunning(TarmacError):
    """Another supervisor holds this namespace."""


class Ground:
    """One namespace, locked, with its guard.

    Raises:
        AlreadyRunning: somebody else has it.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        home.create()
        # A bare descriptor: nobody closes it before the very end of this process.
        self._lock = os.open(home.lock, os.O_WRONLY | os.O_CREAT, 0o600)
        _take(self._lock, home)
        self.state = StateFile(home.state)
        before = self.state.meta()
        # A supervisor that comes to its end takes its pid back.
        if before.get("supervisor_pid") is not None and (left := leftovers.end(home)):
            print(f"{left} processes of an earlier run were still there; killed", flush=True)
        remove.sweep(home.nodes)
        remove.sweep(home.root.parent)
        become_subreaper()
        forked: Iterable[str] = before.get("forked") or _forked_beside(home)
        #: Interpreters whose fork servers the last run had: this one will want them, too.
        self.interpreters = tuple(forked)
        self.state.clear()
        self.spawner = Spawner(str(home.root))
        forks, wires = home.logs / "forkserver.log", home.logs / "wires.log"
        self.forks = Forks(self.spawner, forks, passed_on())
        #: What is written to without passing through us.
        self._logs = (home.supervisor_log, forks, wires)

    async def start(self) -> None:
        """Start the guard, and the fork servers of the last run."""
        await self.spawner.start()
        _allow_descriptors()  # after the guard: what it starts gets what the user's shell has
        # Not in the background: this process is about to import for as long as they load.
        await self.forks.load(self.interpreters)

    async def lost(self) -> None:
        """Return when the namespace's folder was deleted or replaced: nobody could stop us then.

        Meanwhile what had no room is written, and logs are kept from filling the disk.
        """
        while self._is_ours():  # no event tells of that everywhere
            self.state.catch_up()
            for log in self._logs:
                logs.turn(log)
            await asyncio.sleep(CHECK_S)

    def _is_ours(self) -> bool:
        ours = os.fstat(self._lock)
        try:
            there = self.home.lock.stat()
        except OSError:
            return False
        return (there.st_ino, there.st_dev) == (ours.st_ino, ours.st_dev)


def _forked_beside(home: Home) -> Iterable[str]:
    """Say what another copy of the system had, for one that never ran."""
    for path in sorted(home.root.parent.glob("*/state.sqlite")):
        # A copy whose file is damaged is no affair of this one.
        with contextlib.suppress(sqlite3.Error, TarmacError, ValueError):
            with contextlib.closing(StateFile(path)) as file:
                forked: Iterable[str] = file.meta().get("forked", ())
            if forked:
                return forked
    return ()


def _allow_descriptors() -> None:
    """Raise our limit: each node takes a pipe and a log, each wire a socket."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # macOS: less than "unlimited" at most
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _take(lock: int, home: Home) -> None:
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError:
            time.sleep(LOCK_PAUSE_S)
    raise AlreadyRunning(f"{home.root}: another supervisor runs this namespace")
