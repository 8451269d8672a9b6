"""The end of a Kafka producer or consumer, also while its broker is away.

The library's own end waits for the broker, and where that is cut short its tasks go on: they would
connect again once the broker is back, beside those of the next producer or consumer.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from tarmac_kit.background import end

#: Seconds to close connections to a broker that is away.
CLOSE_S = 0.25


async def stop(one: Any, client: Any, within_s: float) -> None:
    """Stop a producer or consumer properly; if the broker is away, end all that it has running.

    Args:
        one: what was not stored by then was not confirmed; a group is left.
        client: its connections.
        within_s: how long it may wait for the broker.
    """
    # A task of its own: the library may raise a cancellation that is none of ours.
    stopping = asyncio.create_task(one.stop())
    stopping.add_done_callback(lambda done: done.cancelled() or done.exception())
    await asyncio.wait({stopping}, timeout=within_s)
    with contextlib.suppress(Exception):
        async with asyncio.timeout(CLOSE_S):
            # Some of them start others when they are cancelled, or go on.
            while tasks := _tasks_of(one, client):
                await end(*tasks)
            await client.close()


def _tasks_of(one: Any, client: Any) -> list[asyncio.Task[Any]]:
    """Find the tasks of a producer or consumer, and of its parts; the library has no list."""
    parts = [one, client, *vars(one).values()]
    found = []
    for task in asyncio.all_tasks():
        frame = getattr(task.get_coro(), "cr_frame", None)
        owner = frame.f_locals.get("self") if frame is not None else None
        if owner is not None and any(owner is part for part in parts):
            found.append(task)
    return found
