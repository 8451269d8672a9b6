"""The messages in flight in a consumer: many at once, one at a time for each key.

Used by the consumers of both brokers. It settles nothing: that is the adapter's.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Coroutine
from typing import Any

from tarmac_kit.messages import PoisonMessage

#: How long handlers may go on after their consumer is closed.
CLOSE_S = 5.0
#: Before a message that failed so often is tried again; the last for all further times.
_RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

#: Settles one message once the one before it, of the same key, has ended.
Settle = Callable[[asyncio.Task[None] | None], Coroutine[None, None, None]]


class InFlight:
    """What is being handled now."""

    def __init__(self, ended: Callable[[], None] = lambda: None) -> None:
        self._ended = ended
        self._tasks: set[asyncio.Task[None]] = set()
        self._tails: dict[str, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def begin(self, key: str, settle: Settle) -> None:
        """Begin with a message; the empty key waits for no other message."""
        task = asyncio.create_task(settle(self._tails.get(key) if key else None))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._end(key, done))
        if key:
            self._tails[key] = task

    async def wait(self, timeout_s: float) -> None:
        """Wait for the handlers in flight; slower ones go on."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)

    async def finish(self) -> None:
        """Wait for the handlers in flight; messages of cancelled ones are redelivered."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=CLOSE_S)
            for task in late:
                task.cancel()

    def _end(self, key: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._tails.get(key) is task:
            del self._tails[key]
        self._ended()


def retry_after_s(attempt: int) -> float:
    """Return how long a message waits that has failed `attempt` times, from 1."""
    delay_s = _RETRY_S[min(attempt, len(_RETRY_S)) - 1]
    return delay_s * random.uniform(0.8, 1.2)  # noqa: S311 - jitter


def payload_of(body: bytes, message_id: str | None) -> dict[str, Any]:
    """Read a message's payload; raise PoisonMessage for one that no handler could take."""
    try:
        payload = json.loads(body)
    except ValueError:
        payload = None
    if not isinstance(payload, dict) or not message_id:
        raise PoisonMessage("not a JSON object with a message id")
    return payload
