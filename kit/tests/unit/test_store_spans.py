"""What the cache and a client's retries say in a trace; no keys, no values."""

from __future__ import annotations

import pytest
from recording import Recorder, recording

from tarmac_kit import trace
from tarmac_kit.cache import Cache
from tarmac_kit.client import TransportError
from tarmac_kit.statements import operation_of
from tarmac_kit_testing import FakeRedis, fake_client, json_response

REDIS = {"db.system.name": "redis"}


async def test_commands_of_the_cache_are_spans_that_say_hit_or_miss() -> None:
    cache = Cache(FakeRedis(), prefix="svc:")
    with recording() as recorder:
        await cache.get("a-private-key")
        await cache.set("a-private-key", {"secret": 1}, ttl_s=60)
        await cache.get("a-private-key")
        await cache.delete("a-private-key")
    assert recorder.said == [
        ("GET cache", {**REDIS, "db.operation.name": "GET", "cache.hit": False}),
        ("SET cache", {**REDIS, "db.operation.name": "SET"}),
        ("GET cache", {**REDIS, "db.operation.name": "GET", "cache.hit": True}),
        ("DELETE cache", {**REDIS, "db.operation.name": "DELETE"}),
    ]
    assert all(0 < span.began_ns <= span.ended_ns for span in recorder.spans)


@pytest.mark.parametrize(
    ("query", "operation"),
    [
        ("select 1", "SELECT"),
        ("\n  INSERT INTO a VALUES ($1)", "INSERT"),
        ("COMMIT;", "COMMIT"),
        (
            "WITH a AS (SELECT * FROM b FOR UPDATE), c AS (insert into d select * from a) SELECT",
            "INSERT",
        ),
        ("WITH a AS (SELECT * FROM b FOR NO KEY UPDATE) DELETE FROM b USING a", "DELETE"),
        ("with a as (update b set inserted = 1 returning id) select id from a", "UPDATE"),
        ("WITH RECURSIVE a AS (SELECT 1) SELECT * FROM a", "SELECT"),
        ("", ""),
    ],
)
def test_a_statement_is_named_by_what_it_does(query: str, operation: str) -> None:
    assert operation_of(query) == operation


async def test_a_cache_that_fails_is_a_failed_span_and_one_that_rests_is_none() -> None:
    redis = FakeRedis()
    redis.away = True
    cache = Cache(redis, prefix="svc:")
    with recording() as recorder:
        assert await cache.get("k") is None
        assert await cache.get("k") is None
    assert recorder.said == [
        ("GET cache", {**REDIS, "db.operation.name": "GET", "error.type": "ConnectionError"})
    ]


async def test_what_no_request_asked_for_leaves_no_span() -> None:
    recorder = Recorder()
    token = trace.source.set(recorder.source)
    try:
        await Cache(FakeRedis(), prefix="svc:").get("k")
    finally:
        trace.source.reset(token)
    assert recorder.spans == []


async def test_a_retry_is_told_in_the_span_of_its_call() -> None:
    answers = [TransportError("refused"), json_response(503, {}), json_response(200, {})]
    client, _ = fake_client("stock", {"GET /x": answers}, retries=3)
    with recording() as recorder:
        await client.get("/x")
    (call,) = recorder.spans
    assert call.attributes["http.request.resend_count"] == 2
    assert call.events == [("retry", {"error.type": "Unavailable"})] * 2
