"""The cache on a real Valkey whose user may touch the service's own keys only."""

from __future__ import annotations

from collections import Counter

import pytest

from tarmac_kit.cache import connect
from tarmac_kit.testing import FakeClock

pytestmark = pytest.mark.servers


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
    assert [int(each["id"]) for each in await cache._client.client_list()] == [second]
    assert await cache.get("a") == 1
    assert counts == {("set", "ok"): 1, ("get", "hit"): 2}
    await cache.close()
    admin = connect(f"redis://svc:secret@127.0.0.1:{valkey.port}/0", prefix="svc:", count=print)
    assert len(await admin._client.client_list()) == 1  # nothing of the closed one is left
    await admin.close()
