"""Tells when a program has come through its start, of which nothing but its life is known.

`process` asks for services without a port and a probe. One that still loads what it needs uses the
processor all the time; one that ended before has to outlive that first.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path

#: How often to look, and which share of a processor a program that waits for its work stays below.
LOOK_S, IDLE = 0.2, 0.1
#: A program that works all the time counts as started after so long.
LONGEST_S = 8.0
#: One that ended after so long, or later, may have done so for another reason than its start.
LONGEST_START_S = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PROCESSES = Path("/proc")


async def until_settled(pid: int, ended_after_s: float) -> None:
    """Return when a process has outlived its last end, and has done with loading.

    Args:
        ended_after_s: how long it lived before it ended by itself; 0: it did not.
    """
    await asyncio.sleep(ended_after_s * 1.5)
    until_s = time.monotonic() + LONGEST_S
    before_s = used_s(pid)
    while time.monotonic() < until_s:
        await asyncio.sleep(LOOK_S)
        now_s = used_s(pid)
        if now_s - before_s < IDLE * LOOK_S:
            return
        before_s = now_s


def used_s(pid: int) -> float:
    """Add up the processor's time of a process and those that it has started; 0 where unknown."""
    found = 0.0
    with contextlib.suppress(OSError, ValueError, IndexError):
        place = _PROCESSES / str(pid)
        fields = (place / "stat").read_text().rpartition(")")[2].split()
        found = (int(fields[11]) + int(fields[12])) / _TICKS
        children = (place / f"task/{pid}/children").read_text().split()
        found += sum(used_s(int(child)) for child in children)
    return found
