"""What a supervisor needs first: the namespace's lock, the guard, fork servers and wires.

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
from typing import TYPE_CHECKING

from tarmac.base.errors import TarmacError
from tarmac.run.local.host.guard import become_subreaper
from tarmac.run.local.host.inherited_env import inherited_env
from tarmac.run.local.host.sockets import Reservations
from tarmac.run.local.network.wiring import LOG, Wiring
from tarmac.run.local.process import orphans
from tarmac.run.local.process.forks import ForkServers
from tarmac.run.local.process.spawn import Spawner
from tarmac.run.local.snapshots import exchange
from tarmac.run.local.state import logs
from tarmac.run.local.state.options import Options
from tarmac.run.local.state.paths import Home
from tarmac.run.local.state.state import StateFile
from tarmac.run.local.supervisor import remove

if TYPE_CHECKING:
    from tarmac.run.local.network.mutual_tls import MutualTls

#: How often to look whether the folder is still there.
CHECK_S = 1.0
DESCRIPTORS = 8192
#: A client that checks whether the lock is held holds it for a moment.
LOCK_TRIES, LOCK_PAUSE_S = 20, 0.01


class AlreadyRunning(TarmacError):
    """Another supervisor holds this namespace."""


class SupervisorContext:
    """One namespace, locked, with its guard.

    Raises:
        AlreadyRunning: another supervisor has it.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        home.create()
        # A bare descriptor: it stays open until this process ends.
        self._lock = os.open(home.lock, os.O_WRONLY | os.O_CREAT, 0o600)
        _take(self._lock, home)
        exchange.recover(home)
        self.state = StateFile(home.state, rebuild=True)
        #: What the client is to be told once.
        self.notes: tuple[str, ...] = ()
        if damage := self.state.damage:
            self.notes = (damage.replace("`tarmac up` rebuilds it", "rebuilt"),)
            print(*self.notes, flush=True)
        before = self.state.meta()
        # A supervisor that comes to its end takes its pid back.
        ended = not damage and before.get("supervisor_pid") is None
        if not ended and (left := orphans.end(home)):
            print(f"{left} processes of an earlier run were still running; killed", flush=True)
        remove.sweep(home.nodes)
        remove.sweep(home.root.parent)
        become_subreaper()
        forked: Iterable[str] = before.get("forked") or _forked_beside(home)
        #: Interpreters whose fork servers the last run had: this one will want them, too.
        self.interpreters = tuple(forked)
        self.state.clear()
        self.state.set_meta(ended_by="")
        self.spawner = Spawner(str(home.root))
        forks, wires = home.logs / "forkserver.log", home.logs / LOG
        self.forks = ForkServers(self.spawner, forks, inherited_env())
        self.reservations = Reservations()
        self.wiring: Wiring | MutualTls = Wiring(self.spawner, wires, self.reservations)
        #: What is written to without passing through us.
        self._logs = (home.supervisor_log, forks, wires)

    async def start(self, options: Options) -> None:
        """Start the guard, the fork servers of the last run and the wires' process."""
        await self.spawner.start()
        _allow_descriptors()  # after the guard: what it starts gets what the user's shell has
        # Not in the background: this process is about to import for as long as they load.
        await self.forks.load(self.interpreters)
        if options.mtls:
            from tarmac.run.local.network import mutual_tls  # noqa: PLC0415 - certificates: 50 ms

            self.wiring = mutual_tls.begun(self.spawner, self.home, self.reservations, self.state)
        if not options.direct:
            await self.wiring.begin()

    async def wait_until_lost(self) -> None:
        """Return when the namespace's folder was deleted or replaced: no client could stop us then.

        Meanwhile what had no room is written, and logs are kept from filling the disk.
        """
        while self._is_ours():  # no event tells of that everywhere
            self.state.catch_up()
            for log in self._logs:
                logs.rotate(log)
            await asyncio.sleep(CHECK_S)

    def _is_ours(self) -> bool:
        ours = os.fstat(self._lock)
        try:
            there = self.home.lock.stat()
        except OSError:
            return False
        return (there.st_ino, there.st_dev) == (ours.st_ino, ours.st_dev)


def _forked_beside(home: Home) -> Iterable[str]:
    """Return the interpreters that another copy of the system had, for one that never ran."""
    for path in sorted(home.root.parent.glob("*/state.sqlite")):
        # Another copy with a damaged file is not ours.
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
