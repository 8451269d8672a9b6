"""The cache on a real Valkey whose user may touch the service's own keys only."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tarmac_kit import Cache, SharedRateLimiter
from tarmac_kit.cache import connect
from tarmac_kit_testing import FakeClock

pytestmark = pytest.mark.servers


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a server time to answer: on a busy machine it is not one that is away."""
    monkeypatch.setattr("tarmac_kit.cache.TIMEOUT_S", 10.0)


async def test_values_are_kept_under_the_services_prefix(valkey) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    url = f"redis://svc:secret@127.0.0.1:{valkey.port}/0"
    cache = connect(url, prefix="svc:", count=lambda *what: counts.update([what]))
    await cache.ping()
    assert await cache.get("a") is None
    await cache.set("a", {"x": [1, "é"]}, ttl_s=30)
    assert await cache.get("a") == {"x": [1, "é"]}
    await cache.delete("a")
    assert await cache.get("a") is None
    assert counts == {
        ("get", "miss"): 2,
        ("set", "ok"): 1,
        ("get", "hit"): 1,
        ("delete", "ok"): 1,
    }
    await cache.close()


async def test_a_bucket_in_the_server_is_one_for_all_replicas(valkey) -> None:
    url = f"redis://svc:secret@127.0.0.1:{valkey.port}/0"
    caches = [connect(url, prefix="svc:", count=lambda *_: None) for _ in range(2)]
    limiters = [SharedRateLimiter(cache, name="login", per_minute=1, burst=3) for cache in caches]
    taken = await asyncio.gather(*(limiters[n % 2].take("a") for n in range(8)))
    assert sorted(decision.allowed for decision in taken) == [False] * 5 + [True] * 3
    refused = next(decision for decision in taken if not decision.allowed)
    assert 50 < refused.retry_after_s <= 60
    assert 170 < refused.reset_s <= 180
    assert (await limiters[0].take("b")).remaining == 2
    for cache in caches:
        await cache.close()


async def test_a_server_that_is_killed_is_a_miss_and_comes_back(valkey) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    url = f"redis://svc:secret@127.0.0.1:{valkey.port}/0"
    cache = connect(url, prefix="svc:", count=lambda *what: counts.update([what]))
    clock = FakeClock()
    cache._clock = clock
    await cache.set("a", 1, ttl_s=30)
    valkey.kill()
    assert await cache.get("a") is None
    assert await cache.get("a") is None
    assert counts[("get", "error")] == 1
    assert counts[("get", "skipped")] == 1, "requests must not wait for it one by one"
    valkey.start()
    clock.advance(2)
    await cache.set("a", 2, ttl_s=30)
    assert await cache.get("a") == 2
    await cache.close()


async def test_a_connection_that_grew_old_is_closed_when_it_comes_back(valkey) -> None:
    clock = FakeClock()
    counts: Counter[tuple[str, str]] = Counter()
    cache = connect(
        f"redis://svc:secret@127.0.0.1:{valkey.port}/0",
        prefix="svc:",
        count=lambda *what: counts.update([what]),
        max_age_s=300,
        clock=clock,
    )
    await cache.set("a", 1, ttl_s=30)
    first = await cache._client.client_id()
    clock.advance(200)
    assert await cache._client.client_id() == first
    clock.advance(101)
    assert await cache.get("a") == 1
    second = await cache._client.client_id()
    assert second != first
    assert [int(client["id"]) for client in await cache._client.client_list()] == [second]
    assert await cache.get("a") == 1
    assert counts == {("set", "ok"): 1, ("get", "hit"): 2}
    await cache.close()
    admin = connect(f"redis://svc:secret@127.0.0.1:{valkey.port}/0", prefix="svc:", count=print)
    assert len(await admin._client.client_list()) == 1  # nothing of the closed one is left
    await admin.close()


class Backend:
    """What is loaded: each load is counted, and may be made to wait."""

    def __init__(self) -> None:
        self.value: Any = {"n": 1}
        self.loads = 0
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def load(self) -> Any:
        self.loads += 1
        value = self.value
        self.begun.set()
        await self.go_on.wait()
        return value


@pytest.fixture
async def replicas(valkey) -> AsyncIterator[list[Cache]]:
    """Give two processes' caches on one server."""
    url = f"redis://svc:secret@127.0.0.1:{valkey.port}/0"
    made = [connect(url, prefix="svc:", count=lambda *_: None) for _ in range(2)]
    yield made
    for cache in made:
        await cache.close()


async def test_a_hundred_callers_of_two_replicas_make_one_load(replicas: list[Cache]) -> None:
    backend = Backend()
    backend.go_on.clear()
    asking = [
        asyncio.create_task(replicas[n % 2].remember("k", backend.load, ttl_s=60))
        for n in range(100)
    ]
    await asyncio.wait_for(backend.begun.wait(), 60)
    await asyncio.sleep(0.05)  # the others come to where they wait
    backend.go_on.set()
    assert await asyncio.gather(*asking) == [{"n": 1}] * 100
    assert backend.loads == 1


async def test_a_replica_that_died_while_it_loaded_is_followed_by_another(
    replicas: list[Cache],
) -> None:
    dead, other = replicas
    dead._lock_s = 0.3
    await dead._client.set("svc:~load:k", "of the dead", px=300)
    backend = Backend()
    assert await other.remember("k", backend.load, ttl_s=60) == {"n": 1}
    assert backend.loads == 1


async def test_a_load_that_takes_longer_than_its_lock_keeps_it(replicas: list[Cache]) -> None:
    backend = Backend()
    backend.go_on.clear()
    for cache in replicas:
        cache._lock_s = 0.15
    first = asyncio.create_task(replicas[0].remember("k", backend.load, ttl_s=60))
    await asyncio.wait_for(backend.begun.wait(), 60)
    second = asyncio.create_task(replicas[1].remember("k", backend.load, ttl_s=60))
    await asyncio.sleep(0.5)
    backend.go_on.set()
    assert await asyncio.gather(first, second) == [{"n": 1}] * 2
    assert backend.loads == 1


async def test_who_waits_too_long_for_anothers_load_loads_by_itself(
    replicas: list[Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tarmac_kit.cache.WAIT_S", 0.1)
    await replicas[0]._client.set("svc:~load:k", "somebody's", px=60_000)
    backend = Backend()
    assert await replicas[1].remember("k", backend.load, ttl_s=60) == {"n": 1}
    assert await replicas[0].get("k") is None, "what is loaded without the lock is not kept"


@pytest.mark.parametrize("forget", ["delete", "invalidate"])
async def test_what_is_forgotten_while_it_is_loaded_is_not_kept(
    replicas: list[Cache], forget: str
) -> None:
    backend = Backend()
    backend.go_on.clear()
    loading = asyncio.create_task(
        replicas[0].remember("k", backend.load, ttl_s=60, tags=("prices", "k"))
    )
    await asyncio.wait_for(backend.begun.wait(), 60)
    backend.value = {"n": 2}
    await getattr(replicas[1], forget)("k")
    backend.go_on.set()
    assert await loading == {"n": 1}
    assert [await cache.get("k") for cache in replicas] == [None, None]
    assert await replicas[1].remember("k", backend.load, ttl_s=60, tags=("prices", "k")) == {"n": 2}


async def test_a_tag_invalidates_what_has_it_for_every_replica(replicas: list[Cache]) -> None:
    here, there = replicas
    await here.set("a", 1, ttl_s=60, tags=("even", "all"))
    await here.set("b", 2, ttl_s=60, tags=("all",))
    await here.set("c", 3, ttl_s=60)
    assert [await there.get(key) for key in "abc"] == [1, 2, 3]
    await there.invalidate("even", "nobody's")
    assert [await here.get(key) for key in "abc"] == [None, 2, 3]
    await here.invalidate("all")
    assert [await there.get(key) for key in "abc"] == [None, None, 3]
    await here.set("a", 4, ttl_s=60, tags=("even",))
    assert await there.get("a") == 4


async def test_a_none_is_remembered_for_its_own_time_if_asked_for(replicas: list[Cache]) -> None:
    backend = Backend()
    backend.value = None
    for _ in range(2):
        assert await replicas[0].remember("k", backend.load, ttl_s=60) is None
    assert backend.loads == 2
    for cache in replicas:
        assert await cache.remember("k", backend.load, ttl_s=60, none_ttl_s=0.2) is None
    assert backend.loads == 3
    await asyncio.sleep(0.25)
    backend.value = 5
    assert await replicas[1].remember("k", backend.load, ttl_s=60, none_ttl_s=30) == 5


async def test_without_its_server_all_works_slower_and_says_so_and_nothing_stale_comes_back(
    valkey, replicas: list[Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = replicas
    clock = FakeClock()
    here._clock = clock
    backend = Backend()
    assert await here.remember("k", backend.load, ttl_s=60) == {"n": 1}
    assert not here.degraded
    monkeypatch.setattr("tarmac_kit.cache.TIMEOUT_S", 0.25)
    valkey.freeze()  # it keeps what it has
    backend.value = {"n": 2}
    await here.delete("k")
    assert here.degraded
    assert await here.remember("k", backend.load, ttl_s=60) == {"n": 2}
    valkey.process.send_signal(signal.SIGCONT)
    monkeypatch.setattr("tarmac_kit.cache.TIMEOUT_S", 10.0)
    clock.advance(2)
    assert await here.remember("k", backend.load, ttl_s=60) == {"n": 2}
    assert not here.degraded
    assert await there.get("k") == {"n": 2}
