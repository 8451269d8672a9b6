"""Finds a service whose program ended below a watcher of its files, before its probe gives up.

Used by `process.py` while a service starts. nodemon and its like stay when the program that they
run has ended, and wait for an edit: its user need not wait a minute to hear that.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

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
