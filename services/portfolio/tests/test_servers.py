"""The portfolio over HTTP on a real PostgreSQL: never overdrawn, nothing twice, nothing lost."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import yaml

from tarmac_kit import create_app
from tarmac_kit.client import TransportError
from tarmac_kit_testing import (
    FakeTransport,
    issue_token,
    json_response,
    running,
    static_verifier,
)
from tarmac_portfolio.app import PART

pytestmark = pytest.mark.servers

SYSTEM = Path(__file__).parents[3] / "systems/trading/tarmac.yaml"

_AGAIN = """
INSERT INTO ledger (owner, kind, order_id, symbol)
SELECT owner, kind, order_id, symbol FROM ledger WHERE kind = 'buy'
"""

#: What somebody might do to the tables past the service, and which invariants notice.
DAMAGE = {
    "UPDATE accounts SET cash_minor = cash_minor + 1": {"cash-equals-ledger"},
    "UPDATE positions SET cost_minor = cost_minor - 1": {"positions-equal-ledger"},
    "UPDATE deposits SET amount_minor = amount_minor + 1": {"deposits-equal-ledger"},
    "UPDATE trades SET price_minor = price_minor + 1": {
        "one-trade-per-filled-order",
        "trades-equal-ledger",
    },
    "DELETE FROM trades": {"one-trade-per-filled-order", "trades-equal-ledger"},
    "UPDATE trade_orders SET status = 'cancelled' WHERE status = 'open'": {"held-for-open-orders"},
    "UPDATE trade_orders SET limit_price_minor = limit_price_minor + 1 WHERE status = 'open'": {
        "held-by-limit-orders",
        "held-for-open-orders",
    },
    "DELETE FROM jobs": {"a-job-for-each-open-order"},
    "UPDATE jobs SET state = 'parked'": {"a-job-for-each-open-order"},
    (
        "ALTER TABLE accounts DROP CONSTRAINT held_cash_is_there;"
        "UPDATE accounts SET held_minor = cash_minor + 1"
    ): {"never-overdrawn", "cash-equals-ledger"},
    "ALTER TABLE ledger DISABLE TRIGGER USER; DELETE FROM ledger WHERE kind = 'sell'": {
        "cash-equals-ledger",
        "positions-equal-ledger",
        "trades-equal-ledger",
    },
}


class Exchange:
    """A market behind a transport, whose price a test sets; None is a market that is away."""

    def __init__(self) -> None:
        self.price_minor: int | None = 1_000
        self.seq = 0
        self.transport = FakeTransport(
            {
                "GET /market/quotes/TARM": self._one,
                "GET /market/quotes": lambda _request: json_response(200, {"items": [self._now()]}),
            }
        )

    def _now(self):
        if self.price_minor is None:
            raise TransportError("refused")
        self.seq += 1
        at = datetime.now(UTC).isoformat()
        facts = {"symbol": "TARM", "currency": "USD", "price_minor": self.price_minor}
        return {**facts, "at": at, "seq": self.seq}

    def _one(self, _request):
        return json_response(200, self._now())


class Api:
    """One user's way to one process."""

    def __init__(self, process, who: str) -> None:
        self.process = process
        self.token = issue_token(who)

    async def get(self, path):
        return await self.process.get(f"/portfolio/{path}", token=self.token)

    async def post(self, path, body=None, key=None):
        """Send it, and again with its key while the database has no connection within 2 s."""
        headers = {"Idempotency-Key": key or uuid4().hex}
        async with asyncio.timeout(60):
            while True:
                answer = await self.process.post(
                    f"/portfolio/{path}", json=body, headers=headers, token=self.token
                )
                if answer.status != 503 or answer.json()["code"] != "database_unavailable":
                    return answer
                await asyncio.sleep(0.1)

    async def deposit(self, amount_minor, key=None):
        return await self.post("deposits", {"amount_minor": amount_minor}, key)

    async def order(self, side, quantity, limit=None, key=None):
        body = {"symbol": "TARM", "side": side, "quantity": quantity}
        kind = (
            {"kind": "market"} if limit is None else {"kind": "limit", "limit_price_minor": limit}
        )
        return await self.post("orders", {**body, **kind}, key)

    async def account(self):
        return (await self.get("account")).json()

    async def ended(self, order_id):
        """Wait until an order stands open no more."""
        async with asyncio.timeout(60):
            while True:
                found = (await self.get(f"orders/{order_id}")).json()
                if found["status"] != "open":
                    return found
                await asyncio.sleep(0.02)


@pytest.fixture
def exchange():
    return Exchange()


@pytest.fixture
async def process(database_url, exchange):
    """Give a way to start a process of the portfolio, and to end it before the test does."""
    async with AsyncExitStack() as stack:

        async def start():
            environ = {
                "SERVICE_NAME": "portfolio-service",
                "DATABASE_URL": database_url,
                "MARKET_URL": "http://market",
                "LIMIT_CHECK_S": "0.05",
            }
            app = create_app(
                [PART], environ, transport=exchange.transport, verifier=static_verifier()
            )
            own = await stack.enter_async_context(AsyncExitStack())
            return await own.enter_async_context(running(app)), own.aclose

        yield start


@pytest.fixture
def broken(look):
    """Give a way to ask which of the system's invariants about this store do not hold."""
    declared = yaml.safe_load(SYSTEM.read_text())["invariants"]
    about = {n: i["query"] for n, i in declared.items() if i.get("store") == "portfolio-db"}

    async def ask(damage: str = "SELECT") -> dict[str, list[dict]]:
        async with look() as connection:
            undone = connection.transaction()
            await undone.start()
            await connection.execute(damage)
            found = {name: await connection.fetch(query) for name, query in about.items()}
            await undone.rollback()
        return {name: [dict(row) for row in rows] for name, rows in found.items() if rows}

    return ask


async def test_the_migrations_are_applied_once(applied_by_two_starts) -> None:
    applied = await applied_by_two_starts(PART, MARKET_URL="http://market")
    assert applied.count(("portfolio", 1)) == 1


async def test_a_trader_deposits_buys_sells_and_sees_it(process, exchange) -> None:
    api = Api((await process())[0], "ann")
    deposited = await api.deposit(10_000)
    assert (deposited.status, deposited.json()["currency"]) == (201, "USD")
    bought = await api.order("buy", 3)
    assert (bought.status, bought.json()["status"]) == (201, "filled")
    assert bought.headers["location"] == f"/portfolio/orders/{bought.json()['id']}"
    exchange.price_minor = 1_200
    (position,) = (await api.get("positions")).json()["items"]
    assert position == {
        "symbol": "TARM",
        "quantity": 3,
        "held": 0,
        "cost_minor": 3_000,
        "price_minor": 1_200,
        "value_minor": 3_600,
    }
    exchange.price_minor = None
    (position,) = (await api.get("positions")).json()["items"]
    assert (position["price_minor"], position["value_minor"]) == (None, None)
    away = await api.order("sell", 1, key="later")
    assert (away.status, away.json()["code"]) == (503, "quotes_unavailable")
    exchange.price_minor = 1_200
    assert (await api.order("sell", 1, key="later")).status == 201
    again = await api.order("sell", 1, key="later")
    assert (again.status, again.headers["idempotency-replayed"]) == (201, "true")
    page = (await api.get("trades?limit=1")).json()
    assert [trade["realised_minor"] for trade in page["items"]] == [200]
    rest = (await api.get(f"trades?cursor={page['next_cursor']}")).json()
    assert [trade["side"] for trade in rest["items"]] == ["buy"]
    assert rest["next_cursor"] is None
    assert await api.account() == {
        "currency": "USD",
        "cash_minor": 8_200,
        "held_minor": 0,
        "available_minor": 8_200,
    }


async def test_what_is_no_order_is_refused_before_anything_is_asked(process, exchange) -> None:
    started, _ = await process()
    api = Api(started, "ann")
    right = {"symbol": "TARM", "side": "buy", "kind": "market", "quantity": 1}
    for wrong in (
        {**right, "limit_price_minor": 5},
        {**right, "kind": "limit"},
        {**right, "quantity": 0},
        {**right, "quantity": True},
        {**right, "symbol": "tarm"},
        {**right, "price_minor": 1},
    ):
        assert (await api.post("orders", wrong)).status == 422, wrong
    without_key = await started.post("/portfolio/orders", json=right, token=api.token)
    assert (without_key.status, without_key.json()["code"]) == (400, "idempotency_key_required")
    assert (await started.get("/portfolio/account")).status == 401
    assert (await api.get("orders?cursor=x")).status == 422
    assert exchange.transport.requests == []


#: A machine that is busy opens ten connections at once in more than the kit's 2 s; asyncpg leaves
#: an attempt that was given up to the garbage collector.
MANY_CONNECTIONS = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@MANY_CONNECTIONS
async def test_twenty_buyers_with_cash_for_three_buy_three(process, broken) -> None:
    replicas = [Api((await process())[0], "ann") for _ in range(2)]
    await replicas[0].deposit(3_999)
    answers = await asyncio.gather(*(replicas[n % 2].order("buy", 1) for n in range(20)))
    assert Counter(answer.status for answer in answers) == {201: 3, 409: 17}
    assert {a.json()["code"] for a in answers if a.status == 409} == {"insufficient_funds"}
    sold = await asyncio.gather(*(replicas[n % 2].order("sell", 1, 1_500) for n in range(20)))
    assert Counter(answer.status for answer in sold) == {202: 3, 409: 17}
    assert (await replicas[0].account())["cash_minor"] == 999
    rejected = (await replicas[0].get("orders?status=rejected&limit=100")).json()["items"]
    assert len(rejected) == 34
    assert await broken() == {}


@MANY_CONNECTIONS
async def test_one_key_from_twenty_connections_is_one_deposit_and_one_order(
    process, broken
) -> None:
    replicas = [Api((await process())[0], "ann") for _ in range(2)]
    deposits = await asyncio.gather(*(replicas[n % 2].deposit(5_000, "d") for n in range(20)))
    assert len({answer.json()["id"] for answer in deposits}) == 1
    orders = await asyncio.gather(*(replicas[n % 2].order("buy", 1, 900, "k") for n in range(20)))
    assert {answer.status for answer in orders} == {202}
    assert len({answer.json()["id"] for answer in orders}) == 1
    account = await replicas[0].account()
    assert (account["cash_minor"], account["held_minor"]) == (5_000, 900)
    assert await broken() == {}


async def test_an_open_order_outlives_its_process_and_is_filled_by_another(
    process, exchange, broken
) -> None:
    first, end = await process()
    api = Api(first, "ann")
    await api.deposit(5_000)
    await api.order("buy", 2)
    order = (await api.order("buy", 2, 900)).json()
    assert order["status"] == "open"
    await end()
    exchange.price_minor = 890
    api = Api((await process())[0], "ann")
    filled = await api.ended(order["id"])
    assert (filled["status"], filled["price_minor"]) == ("filled", 890)
    (position,) = (await api.get("positions")).json()["items"]
    assert (position["quantity"], position["cost_minor"]) == (4, 3_780)
    assert (await api.account())["cash_minor"] == 5_000 - 3_780
    assert await broken() == {}


async def test_many_traders_on_two_replicas_reconcile_while_prices_move(
    process, exchange, broken
) -> None:
    replicas = [(await process())[0] for _ in range(2)]
    choices = random.Random(4)

    async def trade(who: str) -> None:
        apis = [Api(replica, who) for replica in replicas]
        opened = []
        await apis[0].deposit(20_000)
        for _ in range(15):
            api = choices.choice(apis)
            side, quantity = choices.choice(["buy", "sell"]), choices.randint(1, 5)
            limit = choices.choice([None, choices.randint(900, 1_100)])
            answer = await api.order(side, quantity, limit)
            assert answer.status in {201, 202, 409}, answer.body
            if answer.status == 202:
                opened.append(answer.json()["id"])
            exchange.price_minor = choices.randint(950, 1_050)
            if opened and choices.random() < 0.3:
                cancelled = await api.post(f"orders/{opened.pop()}/cancel")
                assert cancelled.status in {200, 409}
        # Whatever still waits is cancelled, from everywhere at once.
        await asyncio.gather(*(a.post(f"orders/{o}/cancel") for o in opened for a in apis))

    await asyncio.gather(*(trade(f"trader-{n}") for n in range(4)))
    assert await broken() == {}


async def test_the_database_itself_refuses_to_overdraw_to_double_and_to_forget(
    process, look
) -> None:
    api = Api((await process())[0], "ann")
    await api.deposit(5_000)
    await api.order("buy", 2)
    async with look() as connection:
        for statement, why in (
            ("UPDATE accounts SET cash_minor = -1", "never_overdrawn|held_cash_is_there"),
            ("UPDATE accounts SET held_minor = cash_minor + 1", "held_cash_is_there"),
            ("UPDATE positions SET quantity = -1", "never_short|held_shares|no_cost"),
            ("UPDATE positions SET held = quantity + 1", "held_shares_are_there"),
            ("UPDATE ledger SET cash_change_minor = 0", "added and never changed"),
            ("DELETE FROM ledger", "added and never changed"),
            (_AGAIN, "once_per_order"),
        ):
            with pytest.raises(asyncpg.PostgresError, match=why):
                await connection.execute(statement)


async def test_each_invariant_notices_what_it_is_there_for(process, broken) -> None:
    api = Api((await process())[0], "ann")
    await api.deposit(5_000)
    await api.order("buy", 3)
    await api.order("sell", 1)
    await api.order("buy", 1, 900)
    assert await broken() == {}
    noticed = {damage: set(await broken(damage)) for damage in DAMAGE}
    assert noticed == DAMAGE
    declared = yaml.safe_load(SYSTEM.read_text())["invariants"]
    assert set().union(*DAMAGE.values()) == declared.keys()
