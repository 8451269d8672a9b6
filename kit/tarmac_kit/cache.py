"""A Redis cache whose failures are misses, and that loads a value once however many ask for it.

Made by `Chassis.redis`. Every key begins with the service's name, because its Redis user may
touch no other. It never fails a request and never holds what exists nowhere else. Nothing is kept
in the process: what is forgotten or invalidated is so for every replica with its next read.
"""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from tarmac_kit import deadline, trace
from tarmac_kit.jsons import dumps
from tarmac_kit.logs import get_logger

#: After a failure the cache is left alone this long: requests must not wait for it one by one.
REST_S = 1.0
TIMEOUT_S = 0.25
#: A connection that lives longer sticks to the server that it found when it began.
MAX_AGE_S = 300.0
#: What is asked at once; more wait for their turn, for the pool would refuse them.
AT_ONCE = 32
#: The lease of the process that loads for all, renewed while it loads: a dead one is replaced.
LOCK_S = 2.0
#: The longest wait for another process's load; then it loads by itself.
WAIT_S = 5.0
_LOOK_S = (0.01, 0.1)  # how often it looks, from and to
#: Unsent invalidations are remembered up to so many keys; other entries expire.
OWED_MOST = 10_000
TAG_MS = 86_400_000

#: Keeps a load's value, unless the key was invalidated or the lock taken meanwhile.
STORE = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('del', KEYS[1])
redis.call('set', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 1
"""
RELEASE = """
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0
"""
RENEW = """
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end
return 0
"""

#: Before an entry that has tags; no JSON begins with it.
_TAGGED = "\x01"
#: In place of an answer: the cache was not asked, or did not answer.
_AWAY = object()


class Cache:
    """JSON values by key, with a time to live and tags."""

    def __init__(
        self,
        client: Any,
        *,
        prefix: str,
        count: Callable[[str, str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        lock_s: float = LOCK_S,
    ) -> None:
        """`client` is a redis.asyncio.Redis, or `testing.FakeRedis`."""
        self._client = client
        self._prefix = prefix
        self._count = count or (lambda _operation, _result: None)
        self._clock = clock
        self._lock_s = lock_s
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._rests_until = 0.0
        self._last = "skipped"
        self._loading: dict[str, asyncio.Future[Any]] = {}
        #: What is to be deleted there before anything else is asked.
        self._owed: set[str] = set()
        #: Whether the server failed when it was last asked: all works, but slower.
        self.degraded = False

    async def get(self, key: str) -> Any:
        """Return the value, or None when there is none or the cache is away."""
        return (await self._read(key, ()))[1]

    async def set(self, key: str, value: Any, *, ttl_s: float, tags: Collection[str] = ()) -> None:
        """Keep `value` for `ttl_s`, or until a tag is invalidated; lost when the cache is away."""
        versions = await self._versions(tags)
        if versions is not None:
            entry = _written(value, versions)
            await self._tell("set", self._client.set, self._prefix + key, entry, px=_ms(ttl_s))

    async def delete(self, *keys: str) -> None:
        """Forget the keys; what is being loaded for them is not kept either.

        While the cache is away this process remembers, and tells it first when it is back.
        """
        await self._delete([name for key in keys for name in (self._prefix + key, self._lock(key))])

    async def invalidate(self, *tags: str) -> None:
        """Forget every entry that has one of the tags, for all replicas; else as `delete`."""
        await self._delete([self._tag(tag) for tag in tags])

    async def remember(
        self,
        key: str,
        load: Callable[[], Awaitable[Any]],
        *,
        ttl_s: float,
        tags: Collection[str] = (),
        none_ttl_s: float | None = None,
    ) -> Any:
        """Return the cached value, or load and keep it; one caller of all replicas loads.

        A None is kept for `none_ttl_s`, if that is given. What `load` raises reaches all callers of
        this process that wait for it and is not kept. With the cache away each process loads.
        """
        found, value = await self._read(key, tags)
        if found:
            return value
        loading = self._loading.get(key)
        if loading is None:
            loading = asyncio.ensure_future(self._load(key, load, ttl_s, tags, none_ttl_s))
            self._loading[key] = loading
            loading.add_done_callback(lambda _done: self._loading.pop(key, None))
        # Shielded: one caller that goes away must not end the load for the others.
        return await asyncio.shield(loading)

    async def _load(
        self,
        key: str,
        load: Callable[[], Awaitable[Any]],
        ttl_s: float,
        tags: Collection[str],
        none_ttl_s: float | None,
    ) -> Any:
        lock, token = self._lock(key), secrets.token_hex(8)
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + deadline.limit_s(WAIT_S) * 0.8
        pause_s, longest_s = _LOOK_S
        while True:
            got = await self._ask(self._client.set, lock, token, nx=True, px=_ms(self._lock_s))
            if got is _AWAY:
                return await load()
            # The previous owner of the lock may have stored a value.
            found, value = await self._read(key, tags, counted=False)
            if found:
                if got:
                    await self._ask(self._client.eval, RELEASE, 1, lock, token)
                return value
            if got:
                return await self._load_for_all(key, load, token, ttl_s, tags, none_ttl_s)
            if loop.time() >= ends_at:
                return await load()
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, longest_s)

    async def _load_for_all(
        self,
        key: str,
        load: Callable[[], Awaitable[Any]],
        token: str,
        ttl_s: float,
        tags: Collection[str],
        none_ttl_s: float | None,
    ) -> Any:
        lock = self._lock(key)
        renewing = asyncio.create_task(self._renew(lock, token))
        kept: Any = 0
        try:
            # Before the load: what is invalidated while it lasts is invalid when it is kept.
            versions = await self._versions(tags)
            value = await load()
            keep_s = none_ttl_s if value is None else ttl_s
            if keep_s is not None and versions is not None:
                keys, entry = (lock, self._prefix + key), _written(value, versions)
                kept = await self._tell(
                    "set", self._client.eval, STORE, 2, *keys, token, entry, _ms(keep_s)
                )
            return value
        finally:
            renewing.cancel()
            if kept != 1:
                await self._ask(self._client.eval, RELEASE, 1, lock, token)

    async def _renew(self, lock: str, token: str) -> None:
        while True:
            await asyncio.sleep(self._lock_s / 3)
            await self._ask(self._client.eval, RENEW, 1, lock, token, _ms(self._lock_s))

    async def run(self, script: str, key: str, *args: Any) -> Any:
        """Run a Lua script on one key; None when the cache is away."""
        answer = await self._ask(self._client.eval, script, 1, self._prefix + key, *args)
        return None if answer is _AWAY else answer

    async def ping(self) -> None:
        """Ask the server one thing; raise if it does not answer."""
        async with asyncio.timeout(TIMEOUT_S * 2):
            await self._client.ping()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _read(
        self, key: str, tags: Collection[str], *, counted: bool = True
    ) -> tuple[bool, Any]:
        """Return whether there is a valid entry, which may be None, and what it is."""
        expected = sorted(tags)
        names = [self._prefix + key, *map(self._tag, expected)]
        if expected:
            answer = await self._ask(self._client.mget, names)
            raw, *current = answer if answer is not _AWAY else [_AWAY]
        else:
            raw, current = await self._ask(self._client.get, names[0]), []
        if raw is _AWAY:
            if counted:
                self._count("get", self._last)
            return False, None
        found, value, versions = _parsed(raw)
        if versions and sorted(versions) != expected:
            expected = sorted(versions)
            answer = await self._ask(self._client.mget, [*map(self._tag, expected)])
            current = [] if answer is _AWAY else answer
        if found and versions:
            found = [versions[tag] for tag in expected] == [*map(_text, current)]
        if counted:
            self._count("get", "hit" if found else "miss")
        return found, value if found else None

    async def _versions(self, tags: Collection[str]) -> dict[str, str] | None:
        """Return what the tags stand at, None if that cannot be known now.

        Versions are random and never come again: a tag whose key is gone makes its entries invalid.
        """
        names = {tag: self._tag(tag) for tag in sorted(tags)}
        if not names:
            return {}
        for _ in range(2):
            current = await self._ask(self._client.mget, [*names.values()])
            if current is _AWAY:
                return None
            found = {tag: _text(version) for tag, version in zip(names, current, strict=True)}
            missing = [names[tag] for tag, version in found.items() if version is None]
            if not missing:
                return {tag: version for tag, version in found.items() if version is not None}
            for name in missing:
                await self._ask(self._client.set, name, secrets.token_hex(8), nx=True, px=TAG_MS)
        return None

    async def _delete(self, names: Sequence[str]) -> None:
        if names and await self._tell("delete", self._client.delete, *names) is _AWAY:
            self._owed.update(names[: OWED_MOST - len(self._owed)])

    async def _tell(
        self, operation: str, call: Callable[..., Awaitable[Any]], *args: Any, **options: Any
    ) -> Any:
        answer = await self._ask(call, *args, **options)
        self._count(operation, self._last if answer is _AWAY else "ok")
        return answer

    async def _ask(self, call: Callable[..., Awaitable[Any]], *args: Any, **options: Any) -> Any:
        async with self._turns:
            if self._clock() < self._rests_until:
                self._last = "skipped"
                # An answer that was under way when the server failed may have said otherwise.
                self.degraded = True
                return _AWAY
            began_s, operation = time.perf_counter(), call.__name__
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    if self._owed:
                        owed = [*self._owed]
                        await self._client.delete(*owed)
                        self._owed.difference_update(owed)
                    answer = await call(*args, **options)
            except Exception as error:  # noqa: BLE001 - a cache that fails is a cache that misses
                self._rests_until = self._clock() + REST_S
                self._last = "error"
                self.degraded = True
                failure = type(error).__name__
                get_logger().warning("cache failed", operation=operation, error=failure)
                _record(operation, began_s, error=failure)
                return _AWAY
            self.degraded = False
            _record(operation, began_s, answer)
            return answer

    def _tag(self, tag: str) -> str:
        return f"{self._prefix}~tag:{tag}"

    def _lock(self, key: str) -> str:
        return f"{self._prefix}~load:{key}"


def _record(operation: str, began_s: float, answer: Any = None, *, error: str = "") -> None:
    """Make the span of a command, where spans are sent; without keys and values."""
    if not trace.is_sent():
        return
    said: dict[str, Any] = {"db.system.name": "redis", "db.operation.name": operation.upper()}
    if operation in ("get", "mget") and not error:
        said["cache.hit"] = (answer[0] if operation == "mget" else answer) is not None
    took_s = time.perf_counter() - began_s
    trace.record(f"{operation.upper()} cache", took_s, said, error=error)


def _ms(seconds: float) -> int:
    return max(1, int(seconds * 1000))


def _text(raw: Any) -> str | None:
    return raw.decode() if isinstance(raw, bytes) else raw


def _written(value: Any, versions: dict[str, str]) -> str:
    return _TAGGED + dumps([versions, value]) if versions else dumps(value)


def _parsed(raw: Any) -> tuple[bool, Any, dict[str, str]]:
    """Return whether there is an entry, its value, and the versions of its tags."""
    text = _text(raw)
    if text is None:
        return False, None, {}
    try:
        if text.startswith(_TAGGED):
            versions, value = json.loads(text.removeprefix(_TAGGED))
            return True, value, versions
        return True, json.loads(text), {}
    except ValueError:
        return False, None, {}


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
            """Take a connection back; its next command reconnects if it is closed here."""
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
        url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, max_connections=AT_ONCE
    )
    return Cache(Redis.from_pool(pool), prefix=prefix, count=count)
