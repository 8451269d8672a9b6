"""Ends what an earlier run of a namespace left: its supervisor and its guard were killed together.

Called by a supervisor that has just taken the namespace's lock, so nobody else's can be meant. A
process is recognised by the mark in its environment that all have who are started below a guard.
Linux only: elsewhere nothing is known of other processes' environments.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time

from tarmac.local import guard

DEADLINE_S = 5.0
PAUSE_S = 0.002


def processes(home: str) -> list[int]:
    """List the living processes of a namespace, by the mark of its folder; not our own family."""
    parents = guard.parents()
    ours, pid = set[int](), os.getpid()
    while pid in parents and pid not in ours:  # a service may have asked for the start
        ours.add(pid)
        pid = parents[pid]
    mark = f"{guard.HOME_VARIABLE}={home}".encode()
    found = []
    for each in parents:
        with contextlib.suppress(OSError), open(f"/proc/{each}/environ", "rb") as environ:  # noqa: PTH123 - hot: many files
            if each not in ours and mark in environ.read().split(b"\0"):
                found.append(each)
    return found


def end(home: str) -> int:
    """Kill every process that an earlier run left; return how many there were."""
    end_at = time.monotonic() + DEADLINE_S
    killed: set[int] = set()
    while (found := processes(home)) and time.monotonic() < end_at:
        for pid in found:
            with contextlib.suppress(OSError):  # it ended meanwhile
                os.kill(pid, signal.SIGKILL)
        killed.update(found)
        time.sleep(PAUSE_S)
    return len(killed)
