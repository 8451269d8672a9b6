"""Waits for a process to accept the connections in its queue, before it is told to stop.

Used by `process.py`. A server that is told to stop closes its listener, and the kernel resets what
waits there: requests of clients that see themselves connected. No time that is fixed is enough on a
busy machine.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection

from tarmac.run.local.host import kernel
from tarmac.run.local.state.logs import LogFile

LOOK_S = 0.01
#: Where the kernel does not say what waits.
UNKNOWN_S = 0.2


async def wait_until_accepted(
    ports: Collection[int], exited: asyncio.Future[int], log: LogFile, within_s: float
) -> None:
    """Return once no connection to these ports waits, the process ended, or this time is over."""
    if not kernel.is_known():
        await asyncio.wait([exited], timeout=min(UNKNOWN_S, within_s))
        return
    end, noted = time.monotonic() + within_s, False
    while not exited.done() and (waiting := kernel.not_accepted(ports)):
        if not noted:
            log.note(f"to be stopped; connections that are not accepted yet: {waiting}")
            noted = True
        if time.monotonic() > end:
            log.note(f"connections that were not accepted in {within_s:g} s: {waiting}")
            return
        await asyncio.wait([exited], timeout=LOOK_S)
