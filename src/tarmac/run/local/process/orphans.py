"""Ends what an earlier run of a namespace left: its supervisor and its guard were killed together.

Called by a supervisor that has just taken the namespace's lock, so no other system can be meant. A
process is recognised by the mark in its environment that all processes below a guard have, or
because it is below one that has it. PostgreSQL's processes write their titles over their
environment: they are known by the folder that they work in. Linux only: elsewhere nothing is known
of other processes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from tarmac.run.local.host import guard
from tarmac.run.local.process.prepare import nodes_outside
from tarmac.run.local.state.paths import Home

DEADLINE_S = 5.0
PAUSE_S = 0.002


def processes(home: Home) -> set[int]:
    """Find the living processes of a namespace; not our own family."""
    parents = guard.parents()
    ours, pid = set[int](), os.getpid()
    while pid in parents and pid not in ours:  # a service may have asked for the start
        ours.add(pid)
        pid = parents[pid]
    mark = f"{guard.HOME_VARIABLE}={home.root}".encode()
    outside = [nodes_outside(home)] if os.geteuid() == 0 else []
    places = tuple(f"{place}/" for place in (home.nodes, *outside))
    found = set[int]()
    for candidate in parents.keys() - ours:
        with contextlib.suppress(OSError):  # it ended meanwhile, or is another user's
            with open(f"/proc/{candidate}/environ", "rb") as file:  # noqa: PTH123 - hot: many files
                environ = file.read()
            if mark in environ.split(b"\0"):
                found.update((candidate, *guard.descendants(candidate)))
            # With a PATH it is a user's shell with that working directory.
            elif b"PATH=" not in environ and _folder(candidate).startswith(places):
                found.add(candidate)
    return found - ours


def _folder(pid: int) -> str:
    return str(Path(f"/proc/{pid}/cwd").readlink())


def end(home: Home) -> int:
    """Kill every process that an earlier run left; return how many there were."""
    end_at = time.monotonic() + DEADLINE_S
    killed: set[int] = set()
    while (found := processes(home)) and time.monotonic() < end_at:
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        killed |= found
        time.sleep(PAUSE_S)
    return len(killed)
