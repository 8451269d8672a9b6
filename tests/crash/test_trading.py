"""Trading, with the portfolio crashed at every step of a trader's day; the market is the test's.

TARMAC_CRASH_ALL=1 .venv/bin/pytest -s tests/crash/test_trading.py      every step; else a sample
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from crashed import ALL, Crashed

from tarmac_kit import Response
from tarmac_kit_testing import Journey, World, crashing, issue_token, json_response
from tarmac_kit_testing.crashing import world as world_module
from tarmac_portfolio.repository import PortfolioRepository

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900 if ALL else 240)]

SERVICE = "portfolio-service"
TRADING = Crashed(
    "trading",
    [SERVICE],
    env={"LIMIT_CHECK_S": "0.05"},
    kinds={
        "a-job-for-each-open-order": "lost",
        **dict.fromkeys(("deposits-equal-ledger", "one-trade-per-filled-order"), "doubled"),
        **dict.fromkeys(("cash-equals-ledger", "positions-equal-ledger"), "doubled"),
        **dict.fromkeys(("trades-equal-ledger", "held-for-open-orders"), "doubled"),
        "never-overdrawn": "oversold",
    },
)


class Market:
    """The market of all journeys: one instrument, at the price that a journey gives it."""

    price_minor = 1_000

    async def __call__(self, _frame: dict[str, Any]) -> Response:
        facts = {"symbol": "TARM", "currency": "USD", "price_minor": self.price_minor, "seq": 7}
        return json_response(200, {**facts, "at": datetime.now(UTC)})


MARKET = Market()


async def post(world: World, path: str, **body: Any) -> Any:
    """Press a button once; the page behind it insists, with the key that it made."""
    answer = await world.insist(
        *(SERVICE, "POST", f"/portfolio/{path}"),
        json=body,
        headers={"Idempotency-Key": uuid4().hex},
        token=issue_token("ann"),
    )
    assert answer.status in (200, 201, 202, 409), answer.body
    return answer.json()


async def order(world: World, side: str, quantity: int, limit_minor: int | None = None) -> Any:
    wish: dict[str, Any] = {"symbol": "TARM", "side": side, "quantity": quantity, "kind": "market"}
    if limit_minor is not None:
        wish |= {"kind": "limit", "limit_price_minor": limit_minor}
    return await post(world, "orders", **wish)


async def a_day(world: World) -> list[str]:
    """Deposit, buy, sell, think better of an order, and wait for one; say how the orders ended."""
    MARKET.price_minor = 1_000
    await post(world, "deposits", amount_minor=10_000)
    ended = [await order(world, "buy", 3), await order(world, "sell", 1)]
    ended.append(await order(world, "buy", 50))
    off = await order(world, "buy", 1, 500)
    ended.append(await post(world, f"orders/{off['id']}/cancel"))
    waiting = await order(world, "buy", 2, 900)
    MARKET.price_minor = 880
    path, token = f"/portfolio/orders/{waiting['id']}", issue_token("ann")
    ended.append(
        await world.until(SERVICE, path, lambda shown: shown["status"] != "open", token=token)
    )
    return [result.get("status") or result["code"] for result in ended]


async def as_it_should_be(world: World, told: list[str]) -> list[str]:
    """Say what is wrong where somebody else would have other cash, shares or trades."""
    wanted = ["filled", "filled", 409, "cancelled", "filled"]
    wrong = [] if told == wanted else [f"wrong: the trader was told {told}"]
    for query, right in (
        ("select cash_minor, held_minor from accounts", (10_000 - 3_000 + 1_000 - 1_760, 0)),
        ("select quantity, held, cost_minor from positions", (4, 0, 2_000 + 1_760)),
        ("select count(*), sum(price_minor * quantity) from trades", (3, 3_000 + 1_000 + 1_760)),
        ("select count(*) from trade_orders", (5,)),
    ):
        found = await world.rows("portfolio-db", query)
        if found != [right]:
            wrong.append(f"{'doubled' if found else 'lost'}: {query}: {found}")
    return wrong


DAY = Journey("a day", a_day, as_it_should_be)


def forgetful() -> None:
    """Take every request for a new one, whatever its key."""

    async def find_none(*_: Any) -> None:
        return None

    def with_a_new_key(function: Any, place: int) -> Any:
        async def call(*args: Any, **options: Any) -> Any:
            changed = [*args]
            changed[place] = uuid4().hex
            return await function(*changed, **options)

        return call

    of: Any = PortfolioRepository
    of.find_deposit = of.find_order_by_key = find_none
    of.add_deposit, of.add_order = (
        with_a_new_key(of.add_deposit, 4),
        with_a_new_key(of.add_order, 4),
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def trading(server_url: str) -> AsyncIterator[World]:
    """Give the portfolio, running, and a market that outlives it."""
    async with crashing(server_url, TRADING.hosted()) as world:
        world.outside["market-service"] = MARKET
        yield world


@pytest.mark.asyncio(loop_scope="module")
async def test_no_crash_loses_doubles_or_overdraws_anything(trading: World) -> None:
    [report] = await TRADING.crash(trading, DAY)
    assert report.ok
    assert report.crashes > 0


async def a_deposit(world: World) -> None:
    await post(world, "deposits", amount_minor=10_000)


async def came_once(world: World, _told: None) -> list[str]:
    found = await world.rows("portfolio-db", "select sum(amount_minor) from deposits")
    return [] if found == [(10_000,)] else [f"doubled: {found}"]


async def test_without_keys_the_crashes_find_what_is_done_twice(
    server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world_module, "REST_S", 3.0)  # what is wrong stays so
    async with crashing(server_url, TRADING.hosted(forgetful)) as world:
        journey = Journey("a deposit", a_deposit, came_once)
        [report] = await TRADING.crash(world, journey, only="after sql COMMIT")
    assert [sentence[:7] for finding in report.findings for sentence in finding.wrong] == [
        "doubled"
    ]
