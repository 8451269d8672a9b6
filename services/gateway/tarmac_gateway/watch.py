"""What ends a request that passes: its time, or the client that has gone or sends too much.

Made by proxy.py for each request; one timer for both, which is moved only when it rings. Python's
own `asyncio.timeout` asks twice which loop runs, a system call each, and moves its timer each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

#: A loop's timers count in milliseconds.
_TICK_S = 0.001


class Watch:
    """Cancels the task that made it at `ends_at`, or when what it looks at has returned."""

    __slots__ = (
        "_gone",
        "_is_own",
        "_look",
        "_loop",
        "_over",
        "_rings_at",
        "_stopped",
        "_task",
        "_timer",
        "ends_at",
        "is_late",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        look: Callable[[], Coroutine[Any, Any, None]],
        *,
        ends_at: float,
        look_s: float,
    ) -> None:
        """Take a time of the loop's clock, and what is looked at from in `look_s` seconds on."""
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("forward: runs outside a task; await it in one")
        self._task = task
        self._loop = loop
        self._look = look
        self._over = self._stopped = self._is_own = False
        self._gone: asyncio.Future[None] | None = None
        self.ends_at = ends_at
        #: Whether it is the time that ended the request.
        self.is_late = False
        if not look_s:
            self._begin_to_look()
        self._arm(min(ends_at, loop.time() + look_s) if look_s else ends_at)

    @property
    def is_gone(self) -> bool:
        """Whether what is looked at has returned."""
        return self._gone is not None and self._gone.done()

    def move(self, ends_at: float) -> None:
        """Set another end."""
        self.ends_at = ends_at
        if ends_at < self._rings_at:
            self._timer.cancel()
            self._arm(ends_at)

    def has_stopped(self) -> bool:
        """Tell whether a cancellation was this one's alone, however often that is asked.

        What another one cancelled as well, a deadline of the caller, stays cancelled.
        """
        if self._stopped:
            self._stopped = False
            self._is_own = self._task.uncancel() == 0
        return self._is_own

    def end(self) -> None:
        """Watch no longer."""
        self._over = True
        self._timer.cancel()
        if self._gone is not None:
            self._gone.cancel()

    def _arm(self, at: float) -> None:
        self._rings_at = at
        self._timer = self._loop.call_at(at, self._ring)

    def _ring(self) -> None:
        if self._loop.time() + _TICK_S >= self.ends_at:
            self.is_late = not self._over
            self._stop()
            return
        if self._gone is None:
            self._begin_to_look()
        self._arm(self.ends_at)

    def _begin_to_look(self) -> None:
        self._gone = asyncio.ensure_future(self._look())
        self._gone.add_done_callback(self._stop)

    def _stop(self, _: asyncio.Future[None] | None = None) -> None:
        if not self._over:
            self._over = True
            self._stopped = self._task.cancel()
