"""Tells when a program has come through its start, of which nothing but its life is known.

`process` asks for services without a port and a probe. One that still loads what it needs uses the
processor all the time; one that ended before has to outlive that first. `go run` and `cargo run`
make the program first, which may wait for downloads: until it runs, there is nothing to look at.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
from pathlib import Path, PurePosixPath
from typing import NamedTuple

#: How often to look, how often in a row it has to wait for its work, and which share of a processor
#: it then stays below.
LOOK_S, LOOKS, IDLE = 0.1, 3, 0.2
#: A program that works all the time counts as started after so long.
LONGEST_S = 8.0
#: One that ended after so long, or later, may have done so for another reason than its start.
LONGEST_START_S = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PROCESSES = Path("/proc")
#: States of a process that wants a processor, or waits for a disk.
_BUSY = ("R", "D")
#: Where `go run` puts what it made: in a folder of its own, or in the cache.
_MADE_BY_GO = re.compile(r"/exe/[^/]+$|-d/[^/]+$")


class Usage(NamedTuple):
    """What a process and those that it has started use."""

    #: The processor's time so far.
    used_s: float
    #: One of them wants a processor now, or waits for a disk.
    wants_more: bool


async def until_settled(pid: int, ended_after_s: float) -> None:
    """Return when a process has outlived its last end, and has done with loading.

    Args:
        ended_after_s: how long it lived before it ended by itself; 0: it did not.
    """
    await asyncio.sleep(ended_after_s * 1.5)
    until_s = time.monotonic() + LONGEST_S
    before, waits = of_tree(pid), 0
    while time.monotonic() < until_s and waits < LOOKS:
        await asyncio.sleep(LOOK_S)
        if is_made(pid):
            until_s = time.monotonic() + LONGEST_S
            continue
        now = of_tree(pid)
        is_idle = not now.wants_more and now.used_s - before.used_s <= IDLE * LOOK_S
        before, waits = now, (waits + 1) * is_idle


def is_made(pid: int) -> bool:
    """Tell whether a program, or one that it started, is still made of its code."""
    name, words = _program(pid)
    below = _children(pid)
    toolchain = PurePosixPath(name).name if "run" in words[1:3] else ""
    if toolchain == "go":  # starts the program, and waits; Cargo becomes it
        return not any(_MADE_BY_GO.search(_program(child)[0]) for child in below)
    return toolchain == "cargo" or any(map(is_made, below))


def _program(pid: int) -> tuple[str, list[str]]:
    """Read the path of a process's program, and its arguments; nothing where that is unknown."""
    place = _PROCESSES / str(pid)
    try:
        return str((place / "exe").readlink()), (place / "cmdline").read_text().split("\0")
    except (OSError, ValueError):
        return "", []


def _children(pid: int) -> list[int]:
    """List what the threads of a process have started: Go starts programs from any of them."""
    found: list[int] = []
    for thread in (_PROCESSES / str(pid)).glob("task/*/children"):
        with contextlib.suppress(OSError, ValueError):
            found += map(int, thread.read_text().split())
    return found


def of_tree(pid: int) -> Usage:
    """Read what a process and those that it has started use; nothing where that is unknown."""
    used_s, wants_more = 0.0, False
    with contextlib.suppress(OSError, ValueError, IndexError):
        place = _PROCESSES / str(pid)
        fields = (place / "stat").read_text().rpartition(")")[2].split()
        used_s = (int(fields[11]) + int(fields[12])) / _TICKS
        wants_more = fields[0] in _BUSY
        for child in _children(pid):
            below = of_tree(child)
            used_s, wants_more = used_s + below.used_s, wants_more or below.wants_more
    return Usage(used_s, wants_more)
