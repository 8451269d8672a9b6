"""Work that runs beside the requests for as long as the process does.

Used by the chassis. A task that fails is started again, with backoff; it never ends the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tarmac_kit.logs import get_logger

Run = Callable[[], Awaitable[None]]

#: Longer than a task takes to clean up: handlers in flight have some seconds.
AGAIN_S = 15.0
#: Rows deleted at once: few enough to hold no lock for long.
PRUNE_BATCH = 1000


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until they have ended, however they do.

    Those that go on are cancelled again: the first time may have been forgotten, as
    `raise_if_cancelled` says.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)  # what they failed with was seen


def raise_if_cancelled() -> None:
    """End a task that was told to end and has not noticed; called where a loop begins again.

    `asyncio.wait_for` of Python 3.11 forgets a cancellation that comes at the moment at which what
    it waits for ends (https://github.com/python/cpython/issues/86296); libraries use it.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def keep_running(name: str, run: Run) -> None:
    """Run `run` again and again until cancelled; the pause grows while it fails quickly."""
    delay_s = 0.1
    loop = asyncio.get_running_loop()
    while True:
        raise_if_cancelled()
        began_at = loop.time()
        try:
            await run()
            get_logger().info("background task ended; restarting it", task=name)
        except Exception:  # noqa: BLE001 - a background task must not end the process
            get_logger().exception("background task failed; restarting it", task=name)
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
