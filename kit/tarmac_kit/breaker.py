"""A circuit breaker for one role and one process.

Used by the client: it asks `allow` before an attempt and tells the result. It never sleeps.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

State = Literal["closed", "open", "half-open"]


class Breaker:
    """Opens after `threshold` failures in a row, lets one attempt through after `rest_s`."""

    def __init__(
        self,
        *,
        threshold: int = 5,
        rest_s: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._threshold = threshold
        self._rest_s = rest_s
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None
        self._probing = False

    @property
    def state(self) -> State:
        """Return closed, open, or half-open (one attempt may pass)."""
        if self._opened_at is None:
            return "closed"
        return "half-open" if self._clock() - self._opened_at >= self._rest_s else "open"

    def allow(self) -> bool:
        """Say whether an attempt may be made; each True is answered by exactly one of the below."""
        state = self.state
        if state == "closed":
            return True
        if state == "open" or self._probing:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """Note an answer: the circuit closes."""
        self._failures = 0
        self._opened_at = None
        self._probing = False

    def failed(self) -> None:
        """Note a failure: it may open the circuit, or open it again."""
        self._failures += 1
        if self._probing or self._failures >= self._threshold:
            self._opened_at = self._clock()
        self._probing = False

    def abandoned(self) -> None:
        """Note that the attempt was cancelled and says nothing."""
        self._probing = False
