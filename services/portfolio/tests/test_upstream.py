"""What the portfolio makes of the market's answers, and of none."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tarmac_kit import Problem, deadline
from tarmac_kit.client import TransportError
from tarmac_kit_testing import FakeClock, fake_client, json_response
from tarmac_portfolio.upstream import Market

AT = datetime(2026, 5, 4, 15, tzinfo=UTC)
QUOTE = {
    "symbol": "TARM",
    "currency": "USD",
    "price_minor": 1_000,
    "open_minor": 990,
    "at": "2026-05-04T15:00:00Z",
    "seq": 77,
}
PATH = "GET /market/quotes/TARM"


def market_that(answers, *, age_s: float = 1.0, retries: int = 0):
    """Build a market over a client that answers so, at a moment after the quote."""
    client, transport = fake_client("market", answers, retries=retries)
    now = AT + timedelta(seconds=age_s)
    made = Market(client, max_age_s=10.0, now=lambda: now, monotonic=FakeClock())
    return made, transport


async def test_a_quote_is_read_with_its_tick() -> None:
    market, _ = market_that({PATH: json_response(200, QUOTE)})
    quote = await market.quote("TARM")
    assert (quote.price_minor, quote.currency, quote.seq, quote.at) == (1_000, "USD", 77, AT)


@pytest.mark.parametrize(
    "answer",
    [
        json_response(500, {}),
        json_response(503, {}),
        json_response(504, {}),
        TransportError("refused"),
        TimeoutError(),
    ],
)
async def test_a_market_that_is_away_is_a_503_that_says_to_try_again(answer) -> None:
    market, _ = market_that({PATH: answer})
    with pytest.raises(Problem) as refused:
        await market.quote("TARM")
    assert (refused.value.status, refused.value.code) == (503, "quotes_unavailable")
    assert refused.value.headers["Retry-After"] == "1"


async def test_an_unknown_symbol_is_a_422_and_an_old_quote_a_503() -> None:
    market, _ = market_that({PATH: json_response(404, {})})
    with pytest.raises(Problem) as unknown:
        await market.quote("TARM")
    assert (unknown.value.status, unknown.value.code) == (422, "symbol_unknown")
    market, _ = market_that({PATH: json_response(200, QUOTE)}, age_s=10.5)
    with pytest.raises(Problem, match="10 s old") as old:
        await market.quote("TARM")
    assert old.value.status == 503


async def test_some_time_is_kept_for_the_answer() -> None:
    market, transport = market_that({PATH: json_response(200, QUOTE)})
    with deadline.within(1.0):
        await market.quote("TARM")
    assert transport.requests[0].timeout_s <= 0.7


async def test_open_orders_that_look_at_the_same_time_share_a_quote() -> None:
    market, transport = market_that({PATH: json_response(200, QUOTE)})
    await asyncio.gather(*(market.shared_quote("TARM") for _ in range(20)))
    assert len(transport.requests) == 1
    market.monotonic.advance(0.5)
    await market.shared_quote("TARM")
    assert len(transport.requests) == 2


async def test_one_that_goes_away_does_not_end_the_question_of_the_others() -> None:
    market, _ = market_that({PATH: json_response(200, QUOTE)})
    first, second = (asyncio.create_task(market.shared_quote("TARM")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).seq == 77


async def test_a_failure_is_shared_no_longer_than_an_answer() -> None:
    market, _ = market_that({PATH: [TransportError("refused"), json_response(200, QUOTE)]})
    with pytest.raises(Problem):
        await market.shared_quote("TARM")
    market.monotonic.advance(0.5)
    assert (await market.shared_quote("TARM")).seq == 77


async def test_prices_to_show_are_asked_for_at_once_and_may_be_missing() -> None:
    answers = {"GET /market/quotes": json_response(200, {"items": [QUOTE]})}
    market, transport = market_that(answers)
    assert await market.prices(["TARM", "HELX"]) == {"TARM": 1_000}
    assert transport.requests[0].url.endswith("?symbols=TARM%2CHELX")
    assert await market.prices([]) == {}
    assert len(transport.requests) == 1
    for answer in (json_response(404, {}), TransportError("refused")):
        market, _ = market_that({"GET /market/quotes": answer})
        assert await market.prices(["TARM"]) == {}
