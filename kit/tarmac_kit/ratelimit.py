"""Token buckets: so many requests a minute for each client, with a burst.

Used by the gateway and by services that want it. Counts live in this process: with n replicas a
client gets up to n times the rate.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from tarmac_kit.problems import Problem


@dataclass(frozen=True)
class Decision:
    """Whether a request may pass, and what to tell the client."""

    allowed: bool
    limit: int
    remaining: int
    #: Seconds until one more request may pass; 0 when it may now.
    retry_after_s: float
    #: Seconds until the whole burst is there again.
    reset_s: float

    def headers(self) -> dict[str, str]:
        """Return the RateLimit-* fields, and Retry-After when refused."""
        fields = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(math.ceil(self.reset_s)),
        }
        if not self.allowed:
            fields["Retry-After"] = str(max(1, math.ceil(self.retry_after_s)))
        return fields

    def problem(self) -> Problem:
        """Return the 429 of a refused request."""
        return Problem(
            429,
            "rate_limited",
            "Too many requests",
            f"try again in {max(1, math.ceil(self.retry_after_s))} s",
            headers=self.headers(),
        )


class RateLimiter:
    """One bucket per key; the `max_keys` that were used last are kept."""

    def __init__(
        self,
        *,
        per_minute: float,
        burst: int,
        max_keys: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_s = per_minute / 60
        self._burst = max(1, burst)
        self._max_keys = max_keys
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> Decision:
        """Count one request of `key` and say whether it may pass."""
        now = self._clock()
        tokens, at = self._buckets.pop(key, (float(self._burst), now))
        tokens = min(float(self._burst), tokens + (now - at) * self._per_s)
        allowed = tokens >= 1
        if allowed:
            tokens -= 1
        self._buckets[key] = (tokens, now)
        if len(self._buckets) > self._max_keys:
            self._buckets.popitem(last=False)
        return Decision(
            allowed=allowed,
            limit=self._burst,
            remaining=int(tokens),
            retry_after_s=0.0 if allowed else (1 - tokens) / self._per_s,
            reset_s=(self._burst - tokens) / self._per_s,
        )
