"""Finds a service whose program ended below a watcher of its files, before its probe gives up.

Used by `process.py` while a service starts, and in the first minute of one without a probe. nodemon
and its like stay when the program that they run has ended, and wait for an edit: its user need not
wait a minute to hear that.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Sequence

#: How often its last line is looked at, and how long it must have been the last one.
LOOK_S = 0.5
LASTS_S = 1.0
#: What nodemon, Node's own watcher, air, watchexec and cargo-watch say when the program has ended.
_WAITS = re.compile(
    r"\[nodemon\] app crashed - waiting for file changes|"
    r"^Failed running .{1,300}(?:Waiting for file changes.*)?$|"
    r"^Process Exit with Code:? [1-9]|"
    r"^\[Command exited with [1-9]\d*\]|"
    r"^\[Finished running\. Exit status: [1-9]\d*\]"
)
ENDED = "its program ended, and what watches its files waits for an edit"


async def left_waiting(lines: Sequence[str]) -> str:
    """Return that its program ended once its watcher has said so last; never where it does not.

    Args:
        lines: its last lines, which change.
    """
    times = 0
    while True:
        await asyncio.sleep(LOOK_S)
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        times = times + 1 if _WAITS.search(last) else 0
        if times * LOOK_S >= LASTS_S:
            return ENDED


async def unless_left(work: Awaitable[None], lines: Sequence[str], within_s: float) -> str:
    """Do some work; return early that a program ended below its watcher, where that is soon.

    Args:
        lines: its last lines, which change.
        within_s: how long that is looked for.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.create_task(left_waiting(lines))
    try:
        first = asyncio.FIRST_COMPLETED
        done, _ = await asyncio.wait({working, leaving}, timeout=within_s, return_when=first)
        if leaving in done:
            return leaving.result()
        leaving.cancel()
        await working
        return ""
    finally:
        working.cancel()
        leaving.cancel()
