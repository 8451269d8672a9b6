"""A Redis and a cache on it in memory, for tests only; re-exported by `testing`."""

from __future__ import annotations

import json as jsonlib
import math
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

from tarmac_kit.cache import RELEASE, RENEW, STORE, Cache
from tarmac_kit.ratelimit import TAKE


class FakeRedis:
    """What Cache asks of a Redis; `kept` has the texts by key, `away` makes it fail."""

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.kept: dict[str, str] = {}
        self.away = False
        self._ends_at: dict[str, float] = {}
        self._clock = clock

    async def get(self, key: str) -> str | None:
        """Return the text of a key whose time is not over."""
        self._answer()
        if self._ends_at.get(key, math.inf) <= self._clock():
            self._forget(key)
        return self.kept.get(key)

    async def mget(self, keys: Sequence[str]) -> list[str | None]:
        """Return the texts of several keys."""
        return [await self.get(key) for key in keys]

    async def set(self, key: str, value: str, *, px: int, nx: bool = False) -> bool | None:
        """Keep a text for `px` milliseconds; with `nx` only where there is none."""
        if await self.get(key) is not None and nx:
            return None
        self.kept[key] = value
        self._ends_at[key] = self._clock() + px / 1000
        return True

    async def delete(self, *keys: str) -> int:
        """Forget keys; say how many there were."""
        self._answer()
        return sum([self._forget(key) for key in keys])

    async def eval(self, script: str, count: int, *args: Any) -> Any:
        """Do what one of the kit's scripts does."""
        keys, values = args[:count], args[count:]
        if script == TAKE:
            return await self._take(keys[0], *values)
        if await self.get(keys[0]) != values[0]:
            return 0
        if script == RENEW:
            self._ends_at[keys[0]] = self._clock() + values[1] / 1000
        elif script in (RELEASE, STORE):
            self._forget(keys[0])
            if script == STORE:
                await self.set(keys[1], values[1], px=values[2])
        return 1

    async def _take(self, key: str, token_ms: int, burst: int) -> list[int]:
        now_ms = int(self._clock() * 1000)
        full_ms = max(int(await self.get(key) or now_ms), now_ms)
        early_ms = full_ms + token_ms - now_ms - token_ms * burst
        if early_ms > 0:
            return [0, early_ms, full_ms - now_ms]
        full_ms += token_ms
        await self.set(key, str(full_ms), px=full_ms - now_ms)
        return [1, 0, full_ms - now_ms]

    async def ping(self) -> None:
        """Answer, or fail."""
        self._answer()

    async def aclose(self) -> None:
        """Do nothing."""

    def _answer(self) -> None:
        if self.away:
            raise ConnectionError("the fake Redis is away")

    def _forget(self, key: str) -> bool:
        self._ends_at.pop(key, None)
        return self.kept.pop(key, None) is not None


class FakeCache:
    """A Cache in memory: `values` has what is valid, as JSON would carry it.

    Without a clock nothing expires.
    """

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.redis = FakeRedis(clock)
        # The real one decides what is a miss, what is shared and what is kept.
        self._cache = Cache(self.redis, prefix="")

    @property
    def values(self) -> dict[str, Any]:
        """Return the values by key."""
        kept = {key: text for key, text in self.redis.kept.items() if not key.startswith("~")}
        found = {}
        for key, text in kept.items():
            if text.startswith("\x01"):
                versions, value = jsonlib.loads(text[1:])
                if any(self.redis.kept.get(f"~tag:{tag}") != at for tag, at in versions.items()):
                    continue
                found[key] = value
            else:
                found[key] = jsonlib.loads(text)
        return found

    @property
    def degraded(self) -> bool:
        """Return whether `redis.away` was noticed."""
        return self._cache.degraded

    async def get(self, key: str) -> Any:
        """Return the value or None."""
        return await self._cache.get(key)

    async def set(self, key: str, value: Any, *, ttl_s: float, tags: Collection[str] = ()) -> None:
        """Keep the value."""
        await self._cache.set(key, value, ttl_s=ttl_s, tags=tags)

    async def delete(self, *keys: str) -> None:
        """Forget the keys."""
        await self._cache.delete(*keys)

    async def invalidate(self, *tags: str) -> None:
        """Forget what has one of the tags."""
        await self._cache.invalidate(*tags)

    async def run(self, script: str, key: str, *args: Any) -> Any:
        """Run one of the kit's scripts."""
        return await self._cache.run(script, key, *args)

    async def remember(
        self,
        key: str,
        load: Callable[[], Awaitable[Any]],
        *,
        ttl_s: float,
        tags: Collection[str] = (),
        none_ttl_s: float | None = None,
    ) -> Any:
        """Return the kept value, or load and keep it; callers at the same time share one load."""
        return await self._cache.remember(key, load, ttl_s=ttl_s, tags=tags, none_ttl_s=none_ttl_s)
