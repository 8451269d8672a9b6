"""The shop with two replicas of every service: what many customers do at the same moment.

One `up` for all of these; the relays of both replicas are there, and one of each pair leads.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import asyncpg
import pytest
import pytest_asyncio
from copies import ROOT
from shopping import Shopper
from waiting import until

from tarmac.base.errors import TarmacError
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.requests import Rotate
from tarmac.testing import System, running

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(240),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sends signals by pid"),
]

SERVICES = (
    *("api-gateway", "user-service", "product-service", "order-service"),
    *("payment-service", "notification-service"),
)
#: Each buys once and is gone; they are accounts of few people, whose passwords take time to hash.
BUYERS, LEFT = 50, 10
ACCOUNTS = 10
#: A product may be sold out.
OUT_OF = {"out_of_stock"}
#: A gateway lets each customer in so often; who comes again is served.
AGAIN = (429, 502, 503, 504)


@pytest.fixture(scope="module")
def shop() -> Iterator[System]:
    file = Path(ROOT / "systems/shop/tarmac.yaml")
    with running(file, name="at-once", scale=dict.fromkeys(SERVICES, 2)) as system:
        yield system


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0)  # a connection each
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shoppers(shop: System, session: aiohttp.ClientSession) -> list[Shopper]:
    made = [Shopper(session, shop.url("api-gateway")) for _ in range(ACCOUNTS)]
    # A password's hash takes a core for a while: all at once, some would not be answered in time.
    few = asyncio.Semaphore(4)

    async def sign_up(shopper: Shopper) -> None:
        async with few:
            assert (await shopper.sign_up()).status == 201

    await asyncio.gather(*map(sign_up, made))
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def staff(shop: System, session: aiohttp.ClientSession) -> Shopper:
    own = shop.env("user-service")
    made = Shopper(session, shop.url("api-gateway"), own["ADMIN_EMAIL"], own["ADMIN_PASSWORD"])
    assert (await made.log_in()).status == 200
    return made


async def ask(shop: System, store: str, query: str, *args: object) -> list[tuple]:
    connection = await asyncpg.connect(shop.store_url(store))
    try:
        return [tuple(row) for row in await connection.fetch(query, *args)]
    finally:
        await connection.close()


async def leave(staff: Shopper, product_id: str, left: int) -> None:
    """Count the shelf: so many are there, and none is set aside."""
    answer = await staff.ask("PUT", f"/api/products/{product_id}/stock", {"on_hand": left})
    assert (answer.status, answer.data["available"]) == (200, left), answer.data


async def buy(shopper: Shopper, product_id: str, key: str) -> tuple[int, str]:
    """Order one with a key until it is answered yes or no; return the answer and the order."""
    while True:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            answer = await shopper.order(product_id, key=key)
            if answer.status not in AGAIN:
                return answer.status, answer.data.get("id") or answer.data.get("order_id", "")
        await asyncio.sleep(0.2)


async def fifty_buy(shoppers: list[Shopper], product_id: str) -> list[tuple[int, str]]:
    buyers = [shoppers[number % len(shoppers)] for number in range(BUYERS)]
    return await asyncio.gather(*(buy(buyer, product_id, uuid.uuid4().hex) for buyer in buyers))


async def ends(shoppers: list[Shopper], answers: list[tuple[int, str]]) -> Counter[str]:
    """Wait until every accepted order has ended; count how."""
    buyers = [shoppers[number % len(shoppers)] for number in range(len(answers))]
    accepted = [
        buyer.ended(order_id, 60)
        for buyer, (status, order_id) in zip(buyers, answers, strict=True)
        if status in (201, 202)
    ]
    return Counter(order["status"] for order in await asyncio.gather(*accepted))


async def at_rest(shop: System, within_s: float = 30) -> None:
    """Hold every invariant that the shop declares, once what is under way is through."""
    end = asyncio.get_running_loop().time() + within_s
    while True:
        verdicts = await asyncio.to_thread(shop.invariants)
        broken = {
            verdict.name: [*map(str, verdict.wrong[:3])]
            for verdict in verdicts
            if not verdict.holds
        }
        if not broken:
            return
        assert asyncio.get_running_loop().time() < end, broken
        await asyncio.sleep(0.2)


async def test_fifty_buyers_of_the_last_ten_get_exactly_ten(shop, staff, shoppers):
    product = (await shoppers[0].find("kettle"))["id"]
    await leave(staff, product, LEFT)
    answers = await fifty_buy(shoppers, product)
    found = await ends(shoppers, answers)
    assert found["confirmed"] == LEFT
    assert {status for status, _ in answers} <= {201, 202, 409}
    assert len({order_id for _, order_id in answers}) == BUYERS
    assert await shoppers[0].stock(product) == 0
    taken = (
        "SELECT sum(-on_hand_change) FROM stock_ledger"
        " WHERE product_id = $1 AND movement IN ('commit', 'retake')"
    )
    assert await ask(shop, "products-db", taken, uuid.UUID(product)) == [(LEFT,)]
    await at_rest(shop)


async def test_one_key_from_twenty_connections_is_one_order(shop, shoppers):
    shopper, key = shoppers[0], uuid.uuid4().hex
    product = (await shopper.find("lamp"))["id"]
    before = await shopper.stock(product)
    answers = await asyncio.gather(*(buy(shopper, product, key) for _ in range(20)))
    assert {status for status, _ in answers} == {201}
    assert len({order_id for _, order_id in answers}) == 1
    made = "SELECT count(*) FROM orders WHERE idempotency_key = $1"
    assert await ask(shop, "orders-db", made, key) == [(1,)]
    assert (await shopper.ended(answers[0][1], 60))["status"] == "confirmed"
    paid = "SELECT state FROM payments WHERE order_id = $1"
    assert await ask(shop, "payments-db", paid, uuid.UUID(answers[0][1])) == [("captured",)]
    assert await shopper.stock(product) == before - 1
    await at_rest(shop)


async def test_one_of_each_pair_is_killed_while_fifty_buy_and_ten_are_sold(shop, staff, shoppers):
    product = (await shoppers[0].find("tumblers"))["id"]
    await leave(staff, product, LEFT)
    buying = asyncio.create_task(fifty_buy(shoppers, product))
    killed = 0
    for service in SERVICES[1:]:
        one = next(n for n in shop.nodes() if n.name.split(".")[0] == service and n.pid)
        os.kill(one.pid, signal.SIGKILL)
        killed += 1
        await asyncio.sleep(0.05)
    answers = await buying
    assert killed == len(SERVICES) - 1
    found = await ends(shoppers, answers)
    assert found["confirmed"] == LEFT
    assert {status for status, _ in answers} <= {201, 202, 409}
    await at_rest(shop)


async def test_passwords_and_keys_are_rotated_while_customers_buy(shop, session, shoppers, staff):
    product = (await staff.find("kettle"))["id"]
    await leave(staff, product, 1000)
    old_token = shop.caller_token("product-service")
    old_url = shop.store_url("orders-db", "order-service")
    over = asyncio.Event()
    met: Counter[int] = Counter()
    placed: list[tuple[Shopper, str]] = []

    async def buy(shopper: Shopper) -> None:
        while not over.is_set():
            answer = await shopper.order(product)
            met[answer.status] += 1
            if answer.status < 300:
                placed.append((shopper, answer.data["id"]))
            await asyncio.sleep(0.2)

    buying = [asyncio.create_task(buy(shopper)) for shopper in shoppers[:4]]
    try:
        for name in ("orders-db", "cache", "caller-keys"):
            done = await asyncio.to_thread(client.ask, shop.home, Rotate(name))
            assert not done.failed
            assert done.refused
    finally:
        over.set()
        await asyncio.gather(*buying)
    # A product may be sold out meanwhile.
    assert met.keys() <= {201, 202, 409}, met
    assert placed
    ends = await asyncio.gather(*(shopper.ended(order) for shopper, order in placed))
    assert {order["status"] for order in ends} <= {"confirmed", "cancelled"}
    assert {order.get("reason") for order in ends if order["status"] == "cancelled"} <= OUT_OF
    with pytest.raises(asyncpg.PostgresError):
        await asyncpg.connect(old_url)
    url = f"{shop.url('product-service')}/reservations/{uuid.uuid4()}"
    for token, status in ((old_token, 401), (shop.caller_token("product-service"), 404)):
        headers = {"X-Caller-Token": token}
        async with session.post(f"{url}/commit", headers=headers) as answer:
            assert answer.status == status


async def test_stock_moves_for_declared_callers_alone(shop, session, shoppers):
    ann = shoppers[0]
    placed = await ann.order((await ann.find("lamp"))["id"])
    order = await ann.ended(placed.data["id"])
    assert order["status"] == "confirmed"
    reservation = f"{shop.url('product-service')}/reservations/{order['id']}"

    async def tried(token: str) -> set[int]:
        """Do to the order's reservation all that can be done; return how that was answered."""
        headers = {"X-Caller-Token": token} if token else {}
        body = {"lines": [{"product_id": str(uuid.uuid4()), "quantity": 1}], "ttl_s": 60}
        asked = [("PUT", "", body), ("DELETE", "", None)]
        asked += [("POST", "/commit", None), ("POST", "/return", None)]
        statuses = set()
        for method, path, content in asked:
            url = f"{reservation}{path}"
            async with session.request(method, url, json=content, headers=headers) as answer:
                assert answer.content_type == "application/problem+json"
                statuses.add(answer.status)
        return statuses

    assert await tried("") == {401}
    assert await tried(shop.caller_token("order-service")) == {401}, "of another audience"
    undeclared = shop.caller_token("product-service", "payment-service")
    assert await tried(undeclared) == {403}

    def undeclared_calls() -> int:
        logged = shop.logs("product-service") + shop.logs("product-service.2")
        return logged.count('"caller": "payment-service"')

    # A line is in the log a moment after its answer.
    await until(lambda: undeclared_calls() >= 4, 30)
    assert undeclared_calls() == 4, "an undeclared edge is seen"
    connection = await asyncpg.connect(shop.store_url("products-db"))
    query = "SELECT state FROM reservations WHERE order_id = $1"
    assert await connection.fetchval(query, uuid.UUID(order["id"])) == "committed"
    await connection.close()
    # A form of another site, whatever it presents.
    by_hand = {"X-Caller-Token": shop.caller_token("product-service")}
    forged = {**by_hand, "Origin": "https://evil.example", "Content-Type": "text/plain"}
    async with session.post(f"{reservation}/return", headers=forged) as answer:
        assert answer.status == 403
    async with session.post(f"{reservation}/commit", headers=by_hand) as answer:
        assert answer.status == 200, "a developer may; it was sold already"
    with pytest.raises(TarmacError, match="no service of shop"):
        shop.caller_token("prodct-service")
