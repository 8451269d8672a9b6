"""Rate limit, cache, logs, migrations' names, fakes: each alone."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from pydantic_settings import BaseSettings

from tarmac_kit import (
    Cache,
    CommaSet,
    Message,
    PoisonMessage,
    Problem,
    RateLimiter,
    SettingsError,
    SharedRateLimiter,
    fetch_all,
    fetch_one,
    fingerprint,
    get_logger,
    logs,
    migrations,
    require_key,
    settings,
    trace,
)
from tarmac_kit.background import keep_running
from tarmac_kit.jsons import dumps
from tarmac_kit_testing import (
    FakeBus,
    FakeCache,
    FakeClock,
    FakeDatabase,
    FakeInbox,
    FakeOutbox,
    FakeRedis,
)


def test_a_bucket_gives_its_burst_then_the_rate() -> None:
    clock = FakeClock()
    limiter = RateLimiter(per_minute=60, burst=3, clock=clock)
    assert [limiter.take("a").allowed for _ in range(4)] == [True, True, True, False]
    clock.advance(1)
    assert [limiter.take("a").allowed for _ in range(2)] == [True, False]


def test_clients_have_a_bucket_each_and_old_ones_are_forgotten() -> None:
    limiter = RateLimiter(per_minute=60, burst=1, max_keys=2, clock=FakeClock())
    assert limiter.take("a").allowed
    assert limiter.take("b").allowed
    assert not limiter.take("b").allowed
    assert limiter.take("c").allowed
    assert limiter.take("a").allowed, "a was the longest unused and made room"


def test_a_refusal_is_429_and_says_when_to_come_again() -> None:
    limiter = RateLimiter(per_minute=6, burst=2, clock=FakeClock())
    first = limiter.take("a")
    assert first.headers() == {
        "RateLimit-Limit": "2",
        "RateLimit-Remaining": "1",
        "RateLimit-Reset": "10",
    }
    limiter.take("a")
    problem = limiter.take("a").problem()
    assert problem.status == 429
    assert problem.headers == {
        "RateLimit-Limit": "2",
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": "20",
        "Retry-After": "10",
    }


async def test_replicas_share_a_bucket_in_the_cache_and_count_alone_without_it() -> None:
    clock = FakeClock()
    redis = FakeRedis(clock)
    replicas = [
        SharedRateLimiter(
            Cache(redis, prefix="svc:", clock=clock),
            name="login",
            per_minute=60,
            burst=3,
            clock=clock,
        )
        for _ in range(2)
    ]
    taken = [await replicas[n % 2].take("a") for n in range(4)]
    assert [decision.allowed for decision in taken] == [True, True, True, False]
    assert [decision.remaining for decision in taken] == [2, 1, 0, 0]
    assert taken[3].headers()["Retry-After"] == "1"
    assert (await replicas[0].take("b")).allowed
    clock.advance(1)
    assert [(await replica.take("a")).allowed for replica in replicas] == [True, False]
    redis.away = True
    assert [(await replica.take("a")).allowed for replica in replicas] == [True, True]
    alone = SharedRateLimiter(None, name="login", per_minute=60, burst=1, clock=clock)
    assert [(await alone.take("a")).allowed for _ in range(2)] == [True, False]


async def test_a_cache_that_fails_is_a_miss_and_is_left_alone_for_a_second() -> None:
    redis, clock, counts = FakeRedis(), FakeClock(), Counter[tuple[str, str]]()
    cache = Cache(redis, prefix="svc:", clock=clock, count=lambda *what: counts.update([what]))
    await cache.set("a", {"n": 1}, ttl_s=60)
    assert redis.kept == {"svc:a": '{"n":1}'}
    redis.away = True
    assert await cache.get("a") is None
    redis.away = False
    assert await cache.get("a") is None
    clock.advance(1.1)
    assert await cache.get("a") == {"n": 1}
    assert counts == {
        ("set", "ok"): 1,
        ("get", "error"): 1,
        ("get", "skipped"): 1,
        ("get", "hit"): 1,
    }


async def test_a_cache_that_is_left_alone_says_so_whatever_was_still_under_way() -> None:
    redis, slow = FakeRedis(), asyncio.Event()
    cache = Cache(redis, prefix="svc:")
    real, asked = redis.get, asyncio.Event()

    async def later(key: str) -> str | None:
        found = await real(key)
        asked.set()
        await slow.wait()
        return found

    redis.get = later  # type: ignore[method-assign]
    under_way = asyncio.create_task(cache.get("a"))
    await asked.wait()
    redis.get, redis.away = real, True  # type: ignore[method-assign]
    assert await cache.get("b") is None
    slow.set()
    await under_way
    assert await cache.get("c") is None
    assert cache.degraded


async def test_callers_at_the_same_time_share_one_load() -> None:
    cache = Cache(FakeRedis(), prefix="svc:")
    loads = 0

    async def load() -> str:
        nonlocal loads
        loads += 1
        await asyncio.sleep(0)
        return "value"

    got = await asyncio.gather(*(cache.remember("k", load, ttl_s=60) for _ in range(10)))
    assert (got, loads) == (["value"] * 10, 1)
    assert await cache.remember("k", load, ttl_s=60) == "value"
    assert loads == 1


def lines_of(capsys) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_has_time_level_service_and_trace_and_no_credentials(capsys) -> None:
    logs.configure("svc")
    with trace.span("work"):
        trace_id, span_id = trace.current_ids()
        get_logger("x").warning(
            "hello",
            password="hunter2",
            Authorization="Bearer hunter2",
            url="postgresql://u:hunter2@h/db",
            fine=1,
        )
    (line,) = lines_of(capsys)
    assert "hunter2" not in str(line)
    assert (line["level"], line["event"], line["service"], line["fine"]) == (
        "warning",
        "hello",
        "svc",
        1,
    )
    assert (line["trace_id"], line["span_id"]) == (trace_id, span_id)
    assert line["url"] == "postgresql://u:***@h/db"
    assert datetime.fromisoformat(line["ts"]).tzinfo is not None


def test_the_standard_librarys_lines_have_the_same_form(capsys) -> None:
    logs.configure("svc")
    try:
        int("broken")
    except ValueError:
        logging.getLogger("asyncio").exception("task %s failed", 7)
    logging.getLogger("uvicorn.error").error("bad")
    first, second = lines_of(capsys)
    assert (first["level"], first["event"], first["component"]) == (
        "error",
        "task 7 failed",
        "asyncio",
    )
    assert "ValueError: invalid literal" in first["exception"]
    assert (second["event"], second["service"]) == ("bad", "svc")


def test_lines_below_the_level_are_not_written(capsys) -> None:
    logs.configure("svc", level="warning")
    get_logger().info("no")
    get_logger().error("yes")
    assert [line["event"] for line in lines_of(capsys)] == ["yes"]


class FakeFolder:
    """A folder of resources in memory."""

    def __init__(self, **files: str) -> None:
        self._files = files

    def iterdir(self):
        return [FakeFile(name, text) for name, text in self._files.items()]


class FakeFile:
    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self._text = text

    def read_text(self, encoding: str) -> str:
        return self._text


def test_migrations_come_in_order_and_other_files_are_left() -> None:
    folder = FakeFolder(**{"0002_b.sql": "b", "0001_a.sql": "a", "notes.txt": "x"})
    found = migrations.read("p", folder)
    assert [(migration.version, migration.name) for migration in found] == [(1, "a"), (2, "b")]


def test_line_endings_do_not_change_a_checksum_and_text_does() -> None:
    one = migrations.Migration("p", 1, "a", "select 1;\r\nselect 2;")
    assert one.checksum == migrations.Migration("p", 1, "a", "select 1;\nselect 2;").checksum
    assert one.checksum != migrations.Migration("p", 1, "a", "select 1;").checksum


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"1_a.sql": ""}, "p/1_a.sql: not a migration's name"),
        ({"0001_a.sql": "", "0003_c.sql": ""}, "0003_c.sql: version 0002 was expected"),
        ({"0001_a.sql": "", "0001_b.sql": ""}, "version 0002 was expected"),
    ],
)
def test_a_wrong_name_a_gap_and_a_version_used_twice_are_said(files, message: str) -> None:
    with pytest.raises(migrations.MigrationError, match=message):
        migrations.read("p", FakeFolder(**files))


class Prefixed(BaseSettings):
    model_config = {"env_prefix": "MAIL_"}
    port: int
    topics: CommaSet = frozenset()


def test_settings_read_the_mapping_they_are_given_and_not_the_process(monkeypatch) -> None:
    monkeypatch.setenv("MAIL_PORT", "25")
    with pytest.raises(SettingsError, match="svc: MAIL_PORT is not set"):
        settings.load(Prefixed, {"MAIL_PORT": ""}, service="svc")
    loaded = settings.load(Prefixed, {"MAIL_PORT": "26", "MAIL_TOPICS": "a, b,"}, service="svc")
    assert (loaded.port, loaded.topics) == (26, frozenset({"a", "b"}))


def test_the_value_of_a_secret_is_not_shown_in_an_error() -> None:
    class Secret(BaseSettings):
        signing_key_bits: int

    with pytest.raises(SettingsError) as raised:
        settings.load(Secret, {"SIGNING_KEY_BITS": "hunter2"}, service="svc")
    assert "hunter2" not in str(raised.value)


def test_equal_requests_have_equal_fingerprints_and_others_have_not() -> None:
    assert fingerprint("POST", {"a": 1, "b": 2}) == fingerprint("POST", {"b": 2, "a": 1})
    assert fingerprint("POST", {"a": 1}) != fingerprint("POST", {"a": 2})


@pytest.mark.parametrize("key", [None, "", "x" * 256, "a\nb"])
def test_a_key_that_is_missing_or_wrong_is_400(key) -> None:
    with pytest.raises(Problem) as raised:
        require_key(key)
    assert raised.value.status == 400
    assert require_key("k-1") == "k-1"


def test_json_of_services_values() -> None:
    value = {
        "id": UUID(int=1),
        "at": datetime(2026, 1, 2, tzinfo=UTC),
        "price": Decimal("1.50"),
        "roles": frozenset({"b", "a"}),
    }
    assert json.loads(dumps(value)) == {
        "id": "00000000-0000-0000-0000-000000000001",
        "at": "2026-01-02T00:00:00+00:00",
        "price": "1.50",
        "roles": ["a", "b"],
    }
    with pytest.raises(TypeError, match="object is not JSON"):
        dumps(object())


class FakeConn:
    async def fetch(self, query: str, *args):
        return [{"name": "a", "size": 1}, {"name": "b", "size": 2}]

    async def fetchrow(self, query: str, *args):
        return None if args == (0,) else {"name": "a", "size": 1}


async def test_rows_become_what_is_asked_for() -> None:
    from dataclasses import dataclass  # noqa: PLC0415

    @dataclass(frozen=True)
    class Thing:
        name: str
        size: int

    assert await fetch_one(FakeConn(), "select", 1, into=Thing) == Thing("a", 1)
    assert await fetch_one(FakeConn(), "select", 0, into=Thing) is None
    assert [t.size for t in await fetch_all(FakeConn(), "select", into=Thing)] == [1, 2]


async def test_the_fake_bus_parks_poison_and_redelivers_what_failed() -> None:
    bus, attempts = FakeBus(), []

    async def handle(message: Message) -> None:
        attempts.append(message.attempt)
        if message.id == "poison":
            raise PoisonMessage("bad")
        if message.attempt == 1:
            raise RuntimeError("not yet")

    await bus.consume(("t",), "g", handle)
    await bus.publish(Message("poison", "t", "k", {}))
    await bus.publish(Message("later", "t", "k", {}))
    assert bus.dead_letters[0][1] == "bad"
    await bus.redeliver()
    assert bus.waiting == []
    assert attempts == [1, 1, 2]
    bus.connected = False
    with pytest.raises(ConnectionError):
        await bus.publish(Message("x", "t", "k", {}))


async def test_a_background_task_that_fails_or_ends_is_started_again(
    monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    logs.configure("svc")
    pauses: list[float] = []

    async def no_sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("tarmac_kit.background.asyncio.sleep", no_sleep)
    runs = 0

    async def run() -> None:
        nonlocal runs
        runs += 1
        if runs == 4:
            raise asyncio.CancelledError
        if runs == 1:
            raise RuntimeError("broken")

    with pytest.raises(asyncio.CancelledError):
        await keep_running("beside", run)
    assert pauses == [0.2, 0.4, 0.8]
    assert [(line["level"], line["task"]) for line in lines_of(capsys)] == [
        ("error", "beside"),
        ("info", "beside"),
        ("info", "beside"),
    ]


async def test_the_fakes_of_stores_remember() -> None:
    database, outbox, inbox = FakeDatabase(), FakeOutbox(["a.b"]), FakeInbox()
    async with database.transaction() as conn:
        assert await inbox.first_time(conn, consumer="c", message_id="1")
        assert not await inbox.first_time(conn, consumer="c", message_id="1")
        for topic in ("a.b", "unbound"):
            await outbox.add(
                conn, topic=topic, aggregate_type="t", aggregate_id="1", payload={"id": UUID(int=1)}
            )
    with outbox.event(topic="a.b", aggregate_type="t", aggregate_id="1", payload={}) as row:
        assert row["type"] == "a.b"
    with outbox.event(topic="unbound", aggregate_type="t", aggregate_id="1", payload={}) as row:
        assert row is None
    assert (database.committed, database.rolled_back) == (1, 0)
    assert [added.payload for added in outbox.added] == [{"id": str(UUID(int=1))}, {}]


async def test_the_fake_cache_shares_a_load_and_keeps_what_json_can_carry() -> None:
    cache = FakeCache()
    loads = 0

    async def load() -> dict[str, UUID]:
        nonlocal loads
        loads += 1
        await asyncio.sleep(0)
        return {"id": UUID(int=1)}

    await asyncio.gather(*(cache.remember("k", load, ttl_s=60) for _ in range(5)))
    assert await cache.remember("k", load, ttl_s=60) == {"id": str(UUID(int=1))}
    assert (loads, cache.values) == (1, {"k": {"id": str(UUID(int=1))}})
    await cache.delete("k", "never there")
    assert await cache.get("k") is None


async def test_the_fake_cache_keeps_neither_none_nor_a_failed_load() -> None:
    cache = FakeCache()

    async def nothing() -> None:
        return None

    async def fail() -> None:
        raise RuntimeError("no source")

    assert await cache.remember("k", nothing, ttl_s=60) is None
    with pytest.raises(RuntimeError, match="no source"):
        await cache.remember("k", fail, ttl_s=60)
    assert cache.values == {}
