"""The client: what it repeats, when it stops, and what it sends."""

from __future__ import annotations

import pytest

from tarmac_kit import (
    Breaker,
    CircuitOpen,
    DeadlineExceeded,
    Response,
    Unavailable,
    deadline,
    trace,
)
from tarmac_kit.client import Client, RetryBudget, TransportError, received_authorization
from tarmac_kit.metrics import Metrics
from tarmac_kit_testing import FakeClock, FakeTransport, fake_client, json_response

OK = json_response(200, {"fine": True})
BROKEN = TransportError("refused")


async def test_a_get_is_repeated_after_a_broken_connection() -> None:
    client, transport = fake_client("stock", {"GET /x": [BROKEN, OK]})
    assert (await client.get("/x")).json() == {"fine": True}
    assert len(transport.requests) == 2


@pytest.mark.parametrize("method", ["post", "patch"])
async def test_a_post_and_a_patch_are_never_repeated(method: str) -> None:
    client, transport = fake_client("stock", {f"{method.upper()} /x": BROKEN}, retries=5)
    with pytest.raises(Unavailable):
        await getattr(client, method)("/x", json={})
    assert len(transport.requests) == 1


async def test_a_post_that_says_it_is_idempotent_is_repeated() -> None:
    client, transport = fake_client("stock", {"POST /x": [json_response(503, {}), OK]})
    assert (await client.post("/x", json={"a": 1}, idempotent=True)).ok
    assert [request.body for request in transport.requests] == [b'{"a": 1}'] * 2


async def test_a_get_that_says_it_is_not_idempotent_is_not_repeated() -> None:
    client, transport = fake_client("stock", {"GET /x": BROKEN})
    with pytest.raises(Unavailable):
        await client.get("/x", idempotent=False)
    assert len(transport.requests) == 1


async def test_retries_are_bounded_by_their_number() -> None:
    client, transport = fake_client("stock", {"GET /x": BROKEN}, retries=3)
    with pytest.raises(Unavailable, match="stock: refused"):
        await client.get("/x")
    assert len(transport.requests) == 4


async def test_retries_are_bounded_by_the_budget_over_all_calls() -> None:
    transport = FakeTransport({"GET /x": BROKEN})
    breaker = Breaker(threshold=10_000)
    client = Client(
        "stock", "http://s", transport, retries=1, breaker=breaker, backoff_s=0,
        budget=RetryBudget(ratio=0.1, reserve=5),
    )  # fmt: skip
    for _ in range(100):
        with pytest.raises(Unavailable):
            await client.get("/x")
    assert 100 + 5 <= len(transport.requests) <= 100 + 5 + 10


async def test_retries_and_those_that_the_budget_refused_are_counted() -> None:
    counted: list[tuple[str, str]] = []
    client = Client(
        "stock", "http://s", FakeTransport({"GET /x": BROKEN}), retries=5, backoff_s=0,
        budget=RetryBudget(ratio=0, reserve=2), count_retry=lambda *counts: counted.append(counts),
    )  # fmt: skip
    with pytest.raises(Unavailable):
        await client.get("/x")
    assert counted == [("stock", "made"), ("stock", "made"), ("stock", "refused")]


async def test_the_metrics_show_each_breaker_as_it_is_at_the_scrape() -> None:
    metrics, clock = Metrics("shop"), FakeClock()
    breaker = Breaker(threshold=1, rest_s=2, clock=clock)
    metrics.breaker("stock", breaker)

    def shown() -> float | None:
        return metrics.registry.get_sample_value(
            "client_breaker_state", {"service": "shop", "role": "stock"}
        )

    seen = [shown()]
    breaker.failed()
    seen.append(shown())
    clock.advance(2)
    seen.append(shown())
    breaker.succeeded()
    assert [*seen, shown()] == [0, 2, 1, 0]


@pytest.mark.parametrize(("status", "error"), [(502, Unavailable), (503, Unavailable)])
async def test_502_and_503_are_unavailable_after_the_last_attempt(status, error) -> None:
    client, transport = fake_client("stock", {"GET /x": json_response(status, {})})
    with pytest.raises(error) as raised:
        await client.get("/x")
    assert raised.value.status == 503
    assert len(transport.requests) == 2


async def test_504_and_a_timeout_are_a_deadline_and_are_not_repeated() -> None:
    for answer in (json_response(504, {}), TimeoutError()):
        client, transport = fake_client("stock", {"GET /x": answer})
        with pytest.raises(DeadlineExceeded) as raised:
            await client.get("/x")
        assert raised.value.status == 504
        assert len(transport.requests) == 1


@pytest.mark.parametrize("status", [200, 400, 404, 409, 429, 500])
async def test_other_statuses_are_answers(status: int) -> None:
    client, transport = fake_client("stock", {"GET /x": json_response(status, {"n": status})})
    assert (await client.get("/x")).json() == {"n": status}
    assert len(transport.requests) == 1


async def test_nothing_is_sent_when_the_time_is_over() -> None:
    client, transport = fake_client("stock", {"GET /x": OK})
    with deadline.within(0), pytest.raises(DeadlineExceeded):
        await client.get("/x")
    assert transport.requests == []


async def test_the_breaker_opens_rests_half_opens_and_closes() -> None:
    clock = FakeClock()
    answers = {"GET /x": [BROKEN, BROKEN, BROKEN, BROKEN, OK]}
    transport = FakeTransport(answers)
    breaker = Breaker(threshold=3, rest_s=2, clock=clock)
    client = Client("stock", "http://s", transport, retries=0, breaker=breaker)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await client.get("/x")
    assert breaker.state == "open"
    with pytest.raises(CircuitOpen) as raised:
        await client.get("/x")
    assert (raised.value.status, raised.value.code) == (503, "circuit_open")
    assert len(transport.requests) == 3, "an open circuit sends nothing"
    clock.advance(2)
    assert breaker.state == "half-open"
    with pytest.raises(Unavailable):
        await client.get("/x")
    assert breaker.state == "open"
    clock.advance(2)
    assert (await client.get("/x")).ok
    assert breaker.state == "closed"


def test_only_one_attempt_passes_a_half_open_circuit() -> None:
    clock = FakeClock()
    breaker = Breaker(threshold=1, rest_s=1, clock=clock)
    assert breaker.allow()
    breaker.failed()
    clock.advance(1)
    assert breaker.allow()
    assert not breaker.allow()
    breaker.abandoned()
    assert breaker.allow(), "an attempt that was cancelled must not block the next"


async def test_a_caller_that_leaves_too_little_time_does_not_open_the_circuit() -> None:
    breaker = Breaker(threshold=1)
    transport = FakeTransport({"GET /x": TimeoutError()})
    client = Client("stock", "http://s", transport, timeout_s=2, breaker=breaker)
    with deadline.within(0.05), pytest.raises(DeadlineExceeded):
        await client.get("/x")
    assert breaker.state == "closed"
    with pytest.raises(DeadlineExceeded):
        await client.get("/x")
    assert breaker.state == "open"


async def test_it_sends_the_trace_the_deadline_and_the_query() -> None:
    client, transport = fake_client("stock", {"GET /x": OK})
    with trace.span("request"):
        trace_id = trace.current_ids()[0]
        await client.get("/x", params={"q": "a b", "none": None, "many": [1, 2]})
    (sent,) = transport.requests
    assert sent.url == "http://stock/x?q=a+b&many=1&many=2"
    assert sent.headers["traceparent"].split("-")[1] == trace_id
    assert 0 < int(sent.headers["X-Request-Timeout-Ms"]) <= 2000


async def test_the_callers_token_is_passed_on_only_when_asked() -> None:
    client, transport = fake_client("stock", {"GET /x": OK})
    token = received_authorization.set("Bearer abc")
    await client.get("/x")
    await client.get("/x", forward=True)
    received_authorization.reset(token)
    assert "Authorization" not in transport.requests[0].headers
    assert transport.requests[1].headers["Authorization"] == "Bearer abc"


async def test_attempts_are_counted_by_outcome() -> None:
    counted: list[tuple[str, str]] = []
    transport = FakeTransport({"GET /x": [BROKEN, Response(200)]})
    client = Client(
        "stock", "http://s", transport, backoff_s=0, count=lambda *what: counted.append(what)
    )
    await client.get("/x")
    assert counted == [("stock", "error"), ("stock", "2xx")]
