"""What the three buses do alike: own their tasks, log failures, pause between tries, consume.

Called by the buses; knows no broker.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from tarmac_kit.background import end, raise_if_cancelled
from tarmac_kit.logs import get_logger, without_credentials

#: Between two failures that are logged.
LOG_EVERY_S = 5.0
#: Between two tries to connect: the least and the longest.
CONNECT_PAUSES_S = (0.1, 2.0)
#: Between two tries to consume on a broker that is there: the least and the longest.
PAUSE_S, LONGEST_PAUSE_S = 0.25, 10.0


class ConnectionLog:
    """The log of one connection: no traceback, and one failure of many."""

    def __init__(self, broker: str) -> None:
        """Log under the broker's name."""
        self._log = get_logger(broker)
        self._failed_at: float | None = None
        #: Set when the bus closes: what fails then is no news.
        self.closing = False

    def connected(self) -> None:
        """Say that the broker is there."""
        self._log.info("broker connected")

    def lost(self) -> None:
        """Say that the broker is gone."""
        if not self.closing:
            self._log.warning("broker lost; reconnecting")

    def failed(self, error: Exception) -> None:
        """Say what failed, unless another failure was logged a moment ago."""
        now = time.monotonic()
        recent = self._failed_at is not None and now - self._failed_at < LOG_EVERY_S
        if self.closing or recent:
            return
        self._failed_at = now
        self._log.warning(
            "broker failed", error=without_credentials(str(error)) or type(error).__name__
        )


class BusTasks:
    """The tasks of one bus: one keeps the connection, the others consume on it."""

    def __init__(self, broker: str) -> None:
        """Name the tasks and the log after the broker."""
        self.log = ConnectionLog(broker)
        self._broker = broker
        self._keeper: asyncio.Task[None] | None = None
        self._consuming: list[asyncio.Task[None]] = []

    def keep(self, connect: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Keep the connection from now on; a second call does nothing."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(connect(), name=f"{self._broker} connection")

    def consume(self, what: str, consuming: Coroutine[Any, Any, None]) -> None:
        """Consume from now on."""
        self._consuming.append(asyncio.create_task(consuming, name=f"consume {what}"))

    async def end(self) -> None:
        """End the consumers, which gives handlers in flight some seconds; then the connection."""
        self.log.closing = True
        await end(*self._consuming)
        self._consuming.clear()
        if self._keeper is not None:
            await end(self._keeper)
            self._keeper = None


class Backoff:
    """Pauses that double; with jitter, as the clients of a broker that comes back are many."""

    def __init__(self, least_s: float, longest_s: float) -> None:
        """Begin with the least."""
        self._least_s, self._longest_s = least_s, longest_s
        self._next_s = least_s

    def reset(self) -> None:
        """Begin with the least again."""
        self._next_s = self._least_s

    async def pause(self) -> None:
        """Wait for half to the whole of the next pause."""
        delay_s = self._next_s
        self._next_s = min(delay_s * 2, self._longest_s)
        await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter


async def keep_consuming(
    consume: Callable[[], Awaitable[None]],
    up: asyncio.Event,
    log: ConnectionLog,
    *,
    longest_pause_s: float = LONGEST_PAUSE_S,
) -> None:
    """Consume whenever the broker is up, until cancelled; outlives every failure.

    What the broker refuses now it refuses in a moment too, and writes down each time: the pause
    grows up to `longest_pause_s` while `consume` ends sooner than that on a broker that is there.
    """
    backoff = Backoff(PAUSE_S, longest_pause_s)
    while True:
        raise_if_cancelled()
        await up.wait()
        began = time.monotonic()
        try:
            await consume()
        except asyncio.CancelledError:
            # The client cancels what waits on it when it closes: that is not our end.
            current = asyncio.current_task()
            if log.closing or current is None or current.cancelling():
                raise
        except Exception as error:  # noqa: BLE001 - a consumer outlives every failure
            if up.is_set():
                log.failed(error)
        if time.monotonic() - began > longest_pause_s or not up.is_set():
            backoff.reset()
        await backoff.pause()
