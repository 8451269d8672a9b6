"""A Redis cache whose failures are misses.

Made by `Chassis.redis`. Every key begins with the service's name, because its Redis user may
touch no other. It never fails a request and never holds what exists nowhere else.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakKeyDictionary

from tarmac_kit.jsons import dumps
from tarmac_kit.logs import get_logger

#: After a failure the cache is left alone this long: requests must not wait for it one by one.
REST_S = 1.0
TIMEOUT_S = 0.25
#: A connection that lives longer sticks to the server that it found when it began.
MAX_AGE_S = 300.0


class Cache:
    """JSON values by key, with a time to live."""

    def __init__(
        self,
        client: Any,
        *,
        prefix: str,
        count: Callable[[str, str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`client` is a redis.asyncio.Redis or a fake of its get, set, delete, ping, aclose."""
        self._client = client
        self._prefix = prefix
        self._count = count or (lambda _operation, _result: None)
        self._clock = clock
        self._rests_until = 0.0
        self._loading: dict[str, asyncio.Future[Any]] = {}

    async def get(self, key: str) -> Any:
        """Return the value, or None when there is none or the cache is away."""
        raw = await self._ask("get", self._client.get, self._prefix + key)
        if raw is None:
            return None
        try:
            return json.loads(raw)
        except ValueError:
            return None

    async def set(self, key: str, value: Any, *, ttl_s: float) -> None:
        """Keep `value` for `ttl_s`; lost without a word when the cache is away."""
        await self._ask(
            "set", self._client.set, self._prefix + key, dumps(value), px=max(1, int(ttl_s * 1000))
        )

    async def delete(self, *keys: str) -> None:
        """Forget the keys; a cache that is away keeps them until their time is over."""
        if keys:
            await self._ask("delete", self._client.delete, *(self._prefix + key for key in keys))

    async def remember(self, key: str, load: Callable[[], Awaitable[Any]], *, ttl_s: float) -> Any:
        """Return the cached value, or load and keep it; callers at the same time share one load."""
        value = await self.get(key)
        if value is not None:
            return value
        loading = self._loading.get(key)
        if loading is None:
            loading = asyncio.ensure_future(self._load(key, load, ttl_s))
            self._loading[key] = loading
            loading.add_done_callback(lambda _done: self._loading.pop(key, None))
        # Shielded: one caller that goes away must not end the load for the others.
        return await asyncio.shield(loading)

    async def _load(self, key: str, load: Callable[[], Awaitable[Any]], ttl_s: float) -> Any:
        value = await load()
        if value is not None:
            await self.set(key, value, ttl_s=ttl_s)
        return value

    async def ping(self) -> None:
        """Ask the server one thing; raise if it does not answer."""
        async with asyncio.timeout(TIMEOUT_S * 2):
            await self._client.ping()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(
        self, operation: str, call: Callable[..., Awaitable[Any]], *args: Any, **options: Any
    ) -> Any:
        if self._clock() < self._rests_until:
            self._count(operation, "skipped")
            return None
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await call(*args, **options)
        except Exception as error:  # noqa: BLE001 - a cache that fails is a cache that misses
            self._rests_until = self._clock() + REST_S
            self._count(operation, "error")
            get_logger().warning("cache failed", operation=operation, error=type(error).__name__)
            return None
        self._count(
            operation, ("miss" if answer is None else "hit") if operation == "get" else "ok"
        )
        return answer


def connect(
    url: str,
    *,
    prefix: str,
    count: Callable[[str, str], None],
    max_age_s: float = MAX_AGE_S,
    clock: Callable[[], float] = time.monotonic,
) -> Cache:
    """Return a cache on the server at `url`; it connects with the first command."""
    from redis.asyncio import Connection, ConnectionPool, Redis  # noqa: PLC0415 - where bound only

    class AgingPool(ConnectionPool):
        """redis-py's pool, which closes a connection that comes back too old."""

        async def release(self, connection: Connection) -> None:  # type: ignore[override]
            """Take a connection back; its next command connects anew when it is closed here."""
            ends_at = ends.get(connection)
            try:
                if ends_at is None or not connection.is_connected:
                    age_s = max_age_s * random.uniform(0.8, 1.0)  # noqa: S311 - jitter
                    ends[connection] = clock() + age_s
                elif clock() >= ends_at:
                    del ends[connection]
                    await connection.disconnect(nowait=True)
            finally:
                await super().release(connection)

    ends: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()
    pool = AgingPool.from_url(
        url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, max_connections=32
    )
    return Cache(Redis.from_pool(pool), prefix=prefix, count=count)
