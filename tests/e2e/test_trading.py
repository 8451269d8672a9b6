"""The whole trading application on real stores, with two of every service.

As it is, with one of each, it is brought up for its first journey and for what is at stake when the
only one is killed; its pages are visited so, too (tests/browser). Everything is asked through the
one address that the entry gives it, as through the Ingress. Prices can be replayed, so the tests
know what they will be.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from journeys import journeys_of
from sandbox import ps

from tarmac.run.local.state.paths import Home
from tarmac_market.domain import Calendar, Instrument, Walk

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "systems/trading"
TARMAC = str(Path(sys.executable).with_name("tarmac"))
SERVICES = {"web-ui", "api-gateway", "portfolio-service", "market-service", "user-service"}
#: The market's defaults: what service.yaml says of seed, epoch and tick.
CALENDAR = Calendar(datetime(2026, 1, 1, tzinfo=UTC), 1.0)
SEED = "tarmac"


Trader = journeys_of("trading").Trader


@dataclass(frozen=True)
class Trading:
    """The running system, as somebody on the same machine sees it."""

    namespace: str
    replicas: int
    address: str = ""
    gateway: str = ""

    def tarmac(self, verb: str, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [TARMAC, verb, str(FOLDER), *args, "-n", self.namespace],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )

    def nodes(self) -> dict[str, dict]:
        home = Home.of(FOLDER / "tarmac.yaml", self.namespace)
        return {node["name"]: node for node in ps(home)["nodes"]}

    def of(self, service: str) -> list[str]:
        """Name the instances of a service."""
        return [service, *(f"{service}.{number}" for number in range(2, self.replicas + 1))]

    async def kill(self, *names: str) -> None:
        """Kill -9 processes and wait until others have taken their place."""
        before = await asyncio.to_thread(self.nodes)
        for name in names:
            os.kill(before[name]["pid"], signal.SIGKILL)
        end = time.monotonic() + 60
        while True:
            now = await asyncio.to_thread(self.nodes)
            new = [now[name]["pid"] != before[name]["pid"] for name in names]
            if all(new) and all(now[name]["state"] == "healthy" for name in names):
                return
            assert time.monotonic() < end, now
            await asyncio.sleep(0.1)

    @property
    def admin_password(self) -> str:
        secrets = json.loads((FOLDER / f".tarmac/{self.namespace}/secrets.json").read_text())
        return secrets["services/user-service/ADMIN_PASSWORD"]


#: For tests that are about one of each as well, in the fixture's order: so each is brought up once.
SINGLE_TOO = pytest.mark.parametrize(
    "trading", [2, 1], ids=["two of each", "single"], indirect=True
)


@pytest.fixture(scope="module", params=[2], ids=["two of each"])
def trading(request):
    system = Trading(f"e2e-trading-{request.param}-{os.getpid()}", request.param)
    scale = [f"--scale={name}={request.param}" for name in SERVICES if request.param > 1]
    up = system.tarmac("up", "-d", "--json", *scale)
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        nodes = {node["name"]: node for node in json.loads(up.stdout)["nodes"]}
        services = {name for name, node in nodes.items() if node["role"] == "service"}
        assert services == {name for service in SERVICES for name in system.of(service)}
        yield Trading(
            system.namespace,
            request.param,
            nodes["entry"]["url"].rstrip("/"),
            nodes["api-gateway"]["url"].rstrip("/"),
        )
        # Whatever was done and killed meanwhile: cash and positions are the ledger's sums.
        held = system.tarmac("invariants")
        assert held.returncode == 0, held.stdout + held.stderr
        assert held.stdout.count("holds") == len(_file()["invariants"])
    finally:
        down = system.tarmac("down", "--delete-data")
    assert down.returncode == 0, down.stdout + down.stderr


def _file() -> dict:
    return yaml.safe_load((FOLDER / "tarmac.yaml").read_text())


@pytest.fixture
async def tess(trading, session):
    trader = Trader(session, trading.address)
    registered = await trader.sign_up()
    assert registered.status == 201
    assert trader.token
    return trader


def walks() -> list[Walk]:
    """Read the walks of what is listed from the first start on."""
    seed = (FOLDER / "seed/instruments.sql").read_text()
    listed = re.findall(r"\('([A-Z]+)', +'[^']+', +'USD', +(\d+), +(\d+)\)", seed)
    assert len(listed) == 10
    return [
        Walk(SEED, Instrument(symbol, "", "USD", int(base_minor), int(volatility_ppm)))
        for symbol, base_minor, volatility_ppm in listed
    ]


async def limit_to_come(side: str, but: str, ticks: int) -> tuple[str, int]:
    """Find a symbol and a limit that is not met now, and will be met soon, for so many ticks."""
    listed = [walk for walk in walks() if walk.instrument.symbol != but]
    while True:
        now = CALENDAR.tick(datetime.now(UTC))
        for walk in listed:
            at = [walk.price_minor(tick) for tick in range(now, now + 8 + ticks)]
            if side == "sell":
                at = [-price for price in at]
            # It is looked at once a second, so it must be met for more than one.
            soon, later = min(at[:3]), at[4:]
            limit = min(max(later[k : k + ticks]) for k in range(len(later) - ticks + 1))
            # Near, for what is far is looked at less often.
            if limit < soon and (soon - limit) * 1000 < abs(at[0]):
                return walk.instrument.symbol, abs(limit)
        await asyncio.sleep(0.5)


@pytest.mark.journey
@SINGLE_TOO
async def test_a_trader_signs_up_deposits_buys_and_sees_the_position_move(tess):
    assert (await tess.deposit(1_000_000)).status == 201
    assert len(await tess.instruments()) >= 10
    bought = await tess.buy("TARM", 10)
    assert (bought.status, bought.data["status"]) == (201, "filled")
    paid = bought.data["price_minor"]
    position = (await tess.positions())["TARM"]
    assert (position["quantity"], position["cost_minor"]) == (10, 10 * paid)
    assert (await tess.account())["cash_minor"] == 1_000_000 - 10 * paid
    values = {position["value_minor"]}
    async with asyncio.timeout(20):
        while len(values) < 3:
            await asyncio.sleep(0.3)
            values.add((await tess.positions())["TARM"]["value_minor"])
    sold = await tess.sell("TARM", 4)
    assert sold.status == 201
    assert (await tess.positions())["TARM"]["quantity"] == 6
    cash = 1_000_000 - 10 * paid + 4 * sold.data["price_minor"]
    assert (await tess.account())["cash_minor"] == cash
    sale, purchase = await tess.trades()
    assert sale["realised_minor"] == 4 * sold.data["price_minor"] - 4 * paid
    # A trade can be checked for ever: the walk says the same price for its tick.
    walk = next(walk for walk in walks() if walk.instrument.symbol == "TARM")
    for trade in (sale, purchase):
        assert walk.price_minor(trade["quote_seq"]) == trade["price_minor"]


async def stands_open(
    tess, side: str, quantity: int, but: str = "", ticks: int = 4
) -> tuple[dict, int]:
    """Place an order that waits for a price that comes soon; return it and its limit.

    Not for the share `but`: on the way to it, orders may be filled at once. The price stays for so
    many ticks: long enough for a service that has to come back first.
    """
    place = {"buy": tess.buy, "sell": tess.sell}[side]
    for _ in range(5):  # on a busy machine the price may come before the order does
        symbol, limit = await limit_to_come(side, but, ticks)
        placed = await place(symbol, quantity, limit_minor=limit)
        if (placed.status, placed.data["status"]) == (202, "open"):
            return placed.data, limit
        assert placed.status == 201, placed.data
    raise TimeoutError("the price always came first")


async def test_limit_orders_wait_and_are_filled_when_their_price_comes(tess):
    await tess.deposit(50_000_000)
    listed = await tess.instruments()
    bought = await asyncio.gather(*(tess.buy(symbol, 15) for symbol in listed))
    assert {answer.status for answer in bought} == {201}
    buying, limit = await stands_open(tess, "buy", 2)
    selling, least = await stands_open(tess, "sell", 3)
    filled = await tess.ended(buying["id"]), await tess.ended(selling["id"])
    assert [order["status"] for order in filled] == ["filled", "filled"]
    assert filled[0]["price_minor"] <= limit
    assert filled[1]["price_minor"] >= least
    account = await tess.account()
    assert (account["held_minor"], account["available_minor"]) == (0, account["cash_minor"])
    traded = {trade["order_id"] for trade in await tess.trades()}
    assert traded >= {buying["id"], selling["id"]}


async def test_what_is_cancelled_is_free_again_and_what_is_anothers_does_not_exist(
    trading, session, tess
):
    await tess.deposit(100_000)
    await tess.buy("TARM", 2)
    order = (await tess.buy("TARM", 1, limit_minor=1_000)).data
    offer = (await tess.sell("TARM", 2, limit_minor=1_000_000)).data
    assert (order["status"], offer["status"]) == ("open", "open")
    assert (await tess.account())["held_minor"] == 1_000
    assert (await tess.positions())["TARM"]["held"] == 2
    assert (await tess.sell("TARM", 1)).data["code"] == "insufficient_shares"
    other = Trader(session, trading.address)
    await other.sign_up()
    assert (await other.cancel(order["id"])).status == 404
    for placed in (order, offer):
        assert (await tess.cancel(placed["id"])).data["status"] == "cancelled"
    assert (await tess.account())["held_minor"] == 0
    assert (await tess.positions())["TARM"]["held"] == 0
    stranger = Trader(session, trading.address)
    refused = await stranger.ask("GET", "/api/portfolio/account")
    assert refused.status == 401
    assert refused.headers["Content-Type"].startswith("application/problem+json")


async def test_twenty_orders_at_once_with_cash_for_three_are_three_trades(tess):
    quote = await tess.quote("MRBL")
    # Between the quote and the orders the price may move a little, by far less than half.
    await tess.deposit(quote["price_minor"] * 7 // 2)
    keys = [uuid.uuid4().hex for _ in range(20)]
    answers = await asyncio.gather(*(tess.buy("MRBL", 1, key=key) for key in keys))
    assert sorted(answer.status for answer in answers) == [201] * 3 + [409] * 17
    again = await asyncio.gather(*(tess.buy("MRBL", 1, key=key) for key in keys))
    assert [answer.status for answer in again] == [answer.status for answer in answers]
    assert (await tess.positions())["MRBL"]["quantity"] == 3


async def test_quotes_are_pushed_through_entry_and_gateway_and_gone_on_with(trading, tess):
    seen = []
    async with aclosing(tess.watch("TARM,HELX")) as events:
        async for event in events:
            seen.append(event)
            if len(seen) == 6:
                break
    assert [event.data["symbol"] for event in seen] == ["TARM", "HELX"] * 3
    assert {event.kind for event in seen} == {"quote"}
    ticks = [int(event.id) for event in seen if event.id]
    assert ticks == list(range(ticks[0], ticks[0] + 3))
    # Another replica may answer; it says the same and goes on where the first one was left.
    async with aclosing(tess.watch("TARM", after=str(ticks[0] - 3))) as events:
        again = [(await anext(events)).data for _ in range(5)]
    assert [quote["seq"] for quote in again] == list(range(ticks[0] - 2, ticks[0] + 3))
    prices = {event.data["seq"]: event.data for event in seen if not event.id}
    assert all(prices[quote["seq"]] == quote for quote in again if quote["seq"] in prices)


@SINGLE_TOO
async def test_a_stream_ends_cleanly_when_its_gateway_is_restarted_and_goes_on(trading, tess):
    began = asyncio.Event()

    async def watch() -> str:
        last = ""
        async with aclosing(tess.watch("TARM")) as events:
            async for event in events:  # to its end; one that is broken off raises
                last = event.id or last
                began.set()
        return last

    watching = asyncio.create_task(watch())
    await began.wait()
    restarted = await asyncio.to_thread(trading.tarmac, "restart", *trading.of("api-gateway"))
    assert restarted.returncode == 0, restarted.stdout + restarted.stderr
    last = await asyncio.wait_for(watching, 30)
    async with aclosing(tess.watch("TARM", after=last)) as events:
        assert (await anext(events)).data["seq"] == int(last) + 1


@SINGLE_TOO
async def test_positions_cash_and_open_orders_survive_what_is_killed(trading, tess):
    await tess.deposit(5_000_000)
    await tess.buy("KTTL", 5)
    order = (await tess.buy("KTTL", 1, limit_minor=100)).data
    before = (await tess.account(), (await tess.positions())["KTTL"]["quantity"])
    coming, _ = await stands_open(tess, "buy", 1, but="KTTL", ticks=30)  # whose shares are counted
    await tess.cancel(order["id"])
    again = (await tess.buy("KTTL", 1, limit_minor=100)).data
    await trading.kill(*trading.of("portfolio-service"), "portfolio-db")
    # Orders go on being accepted, with the same key, as if nothing had been.
    key = uuid.uuid4().hex
    assert await tess.insist("KTTL", key) == await tess.insist("KTTL", key)
    assert (await tess.ended(coming["id"]))["status"] == "filled"
    assert (await tess.order(again["id"]))["status"] == "open"
    account = await tess.account()
    assert account["held_minor"] == before[0]["held_minor"] == 100
    assert (await tess.positions())["KTTL"]["quantity"] == before[1] + 1


async def test_prices_go_on_where_they_were_when_the_market_and_its_database_are_killed(
    trading, tess
):
    before = await tess.ask("GET", "/api/market/quotes/HELX/history?limit=30&before=27000000")
    await trading.kill(*trading.of("market-service"), "market-db")
    after = await tess.ask("GET", "/api/market/quotes/HELX/history?limit=30&before=27000000")
    assert (after.status, after.data) == (200, before.data)
    walk = next(walk for walk in walks() if walk.instrument.symbol == "HELX")
    assert [item["price_minor"] for item in after.data["items"]] == [
        walk.price_minor(item["seq"]) for item in after.data["items"]
    ]


async def test_staff_list_an_instrument_and_everybody_can_trade_it(trading, session, tess):
    new = {"symbol": f"N{trading.replicas}", "name": "New", "currency": "USD", "base_minor": 900}
    path = "/api/market/instruments"
    assert (await tess.ask("POST", path, new)).status == 403
    admin = Trader(session, trading.address, email="admin@yourdomain.com")
    admin.password = trading.admin_password
    await admin.log_in()
    assert (await admin.ask("POST", path, new)).status == 201
    await tess.deposit(10_000)
    for _ in range(4):  # whichever replicas answer
        assert (await tess.buy(new["symbol"], 1)).status == 201


async def test_the_gateway_on_its_own_port_is_healthy_and_reaches_the_portfolio(trading, tess):
    direct = Trader(tess.session, trading.gateway, token=tess.token)
    assert _file()["services"]["api-gateway"]["port"] == 8000
    assert (await direct.ask("GET", "/health")).status == 200
    account = await direct.ask("GET", "/api/portfolio/account")
    assert (account.status, account.data) == (200, await tess.account())
    assert int(account.headers["ratelimit-limit"]) > 0
    page = {"Origin": "https://app.yourdomain.com", "Access-Control-Request-Method": "POST"}
    allowed = await direct.ask("OPTIONS", "/api/portfolio/orders", headers=page)
    assert allowed.status == 204
    assert allowed.headers["access-control-allow-origin"] == page["Origin"]
    page["Origin"] = "https://elsewhere.example.com"
    refused = await direct.ask("OPTIONS", "/api/portfolio/orders", headers=page)
    assert "access-control-allow-origin" not in refused.headers


async def test_deep_paths_of_the_api_and_of_the_pages_arrive_as_they_were_asked_for(trading, tess):
    deep = await tess.ask("GET", "/api/market/quotes/TARM/history?limit=2&step=3&before=100")
    assert [item["seq"] for item in deep.data["items"]] == [96, 99]
    unknown = await tess.ask("GET", "/api/market/no/such/thing")
    assert unknown.status == 404
    assert unknown.headers["Content-Type"].startswith("application/problem+json")
    home = await tess.ask("GET", "/")
    assert (home.status, home.headers["Content-Type"][:9]) == (200, "text/html")
    assets = re.findall(r'(?:href|src)="(/[^"]+\.(?:css|js)[^"]*)"', home.data)
    assert assets
    for asset in assets:
        found = await tess.ask("GET", asset)
        assert found.status == 200, asset
        assert not found.headers["Content-Type"].startswith("text/html"), asset
    page = await tess.ask("GET", "/no/such/page", headers={"Accept": "text/html"})
    assert (page.status, page.headers["Content-Type"][:9]) == (404, "text/html")
