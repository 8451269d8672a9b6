"""Token buckets: so many requests a minute for each client, with a burst.

Used by the gateway and by services that want it. A RateLimiter counts in this process: with n
replicas a client gets up to n times the rate. A SharedRateLimiter counts in the cache, for all.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import NamedTuple

from tarmac_kit.cache import Cache
from tarmac_kit.problems import Problem

#: One key for each bucket: the moment, in ms of the server's clock, at which it is full again
#: (GCRA). Takes ms per token and the burst; returns whether there was a token, ms until the next
#: one, ms until the bucket is full.
TAKE = """
local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local token, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(tonumber(redis.call('get', KEYS[1]) or now), now)
local early = full + token - now - token * burst
if early > 0 then return {0, early, full - now} end
full = full + token
redis.call('set', KEYS[1], string.format('%.0f', full), 'PX', full - now)
return {1, 0, full - now}
"""


class RateLimitDecision(NamedTuple):
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
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable) -> RateLimitDecision:
        """Count one request of `key` and say whether it may pass."""
        return self.decision(self.spend(key))

    def spend(self, key: Hashable) -> float:
        """Count one request of `key`; return what is left of its burst, below 0 if it is refused.

        What is asked for each request says no more; `decision` says the rest.
        """
        now, burst = self._clock(), self._burst
        tokens, at = self._buckets.pop(key, (burst, now))
        tokens += (now - at) * self._per_s
        left = min(burst, tokens) - 1
        self._buckets[key] = (left if left >= 0 else left + 1, now)
        if len(self._buckets) > self._max_keys:
            self._buckets.popitem(last=False)
        return left

    def decision(self, left: float) -> RateLimitDecision:
        """Say of what `spend` returned whether the request may pass, and what its client hears."""
        tokens = left if left >= 0 else left + 1
        return RateLimitDecision(
            allowed=left >= 0,
            limit=self._burst,
            remaining=int(tokens),
            retry_after_s=0.0 if left >= 0 else -left / self._per_s,
            reset_s=(self._burst - tokens) / self._per_s,
        )


class SharedRateLimiter:
    """One bucket per key in the cache, for all replicas; in this process without the cache."""

    def __init__(
        self,
        cache: Cache | None,
        *,
        name: str,
        per_minute: float,
        burst: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`name` is in every key; `clock` is for the buckets in this process."""
        self._cache = cache
        self._name = name
        self._token_ms = max(1, round(60_000 / per_minute))
        self._burst = max(1, burst)
        self._local = RateLimiter(per_minute=per_minute, burst=burst, clock=clock)

    async def take(self, key: str) -> RateLimitDecision:
        """Count one request of `key` and say whether it may pass."""
        if self._cache is None:
            return self._local.take(key)
        answer = await self._cache.run(
            TAKE, f"limit:{self._name}:{key}", self._token_ms, self._burst
        )
        if answer is None:
            return self._local.take(key)
        allowed, wait_ms, full_ms = answer
        return RateLimitDecision(
            allowed=bool(allowed),
            limit=self._burst,
            remaining=max(0, self._burst - math.ceil(full_ms / self._token_ms)),
            retry_after_s=wait_ms / 1000,
            reset_s=full_ms / 1000,
        )
