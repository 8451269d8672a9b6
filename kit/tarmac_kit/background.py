"""Work that runs beside the requests for as long as the process does.

Used by the chassis. A task that fails is started again, with backoff; it never ends the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tarmac_kit.logs import get_logger

Run = Callable[[], Awaitable[None]]

#: Rows deleted at once: few enough to hold no lock for long.
PRUNE_BATCH = 1000


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until they have ended, however they do."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def keep_running(name: str, run: Run) -> None:
    """Run `run` again and again until cancelled; the pause grows while it fails quickly."""
    delay_s = 0.1
    loop = asyncio.get_running_loop()
    while True:
        began_at = loop.time()
        try:
            await run()
            get_logger().info("background task ended; it starts again", task=name)
        except Exception:  # noqa: BLE001 - a background task must not end the process
            get_logger().exception("background task failed; it starts again", task=name)
        delay_s = 0.1 if loop.time() - began_at > 30 else min(delay_s * 2, 10.0)
        await asyncio.sleep(delay_s)


def pruning(prune: Callable[..., Awaitable[int]], keep_s: float, every_s: float = 60.0) -> Run:
    """Return a task that deletes what is older than `keep_s`, batch by batch."""

    async def run() -> None:
        while True:
            deleted = await prune(keep_s=keep_s, batch=PRUNE_BATCH)
            # A full batch means that there is more: go on, but let others have the database.
            await asyncio.sleep(0.1 if deleted == PRUNE_BATCH else every_s)

    return run
