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
from shopping import ROOT, Shopper

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
    for answer in await asyncio.gather(*(shopper.sign_up() for shopper in made)):
        assert answer.status == 201
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
    return await asyncio.gather(*(buy(each, product_id, uuid.uuid4().hex) for each in buyers))


async def ends(shoppers: list[Shopper], answers: list[tuple[int, str]]) -> Counter[str]:
    """Wait until every accepted order has ended; count how."""
    buyers = [shoppers[number % len(shoppers)] for number in range(len(answers))]
    accepted = [
        each.ended(order_id, 60)
        for each, (status, order_id) in zip(buyers, answers, strict=True)
        if status in (201, 202)
    ]
    return Counter(order["status"] for order in await asyncio.gather(*accepted))


async def at_rest(shop: System, within_s: float = 30) -> None:
    """Hold every invariant that the shop declares, once what is under way is through."""
    end = asyncio.get_running_loop().time() + within_s
    while True:
        verdicts = await asyncio.to_thread(shop.invariants)
        broken = {each.name: [*map(str, each.wrong[:3])] for each in verdicts if not each.holds}
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
