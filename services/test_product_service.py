"""Catalog and inventory as one process on one database, with what the shop sells in it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

import tarmac_catalog.app
import tarmac_inventory.app
from tarmac_kit_testing import issue_token

pytestmark = pytest.mark.servers

SEED = Path(__file__).parents[1] / "systems" / "shop" / "seed" / "products.sql"

_LEVELS = """
SELECT s.on_hand, s.reserved, coalesce(sum(l.on_hand_change), 0)::int AS counted,
       coalesce(sum(l.reserved_change), 0)::int AS held
  FROM products p LEFT JOIN stock s ON s.product_id = p.id
       LEFT JOIN stock_ledger l ON l.product_id = p.id
 GROUP BY p.id, s.product_id
"""


@pytest.fixture
async def api(start):
    return await start(tarmac_catalog.app.PART, tarmac_inventory.app.PART)


async def apply_seed(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(SEED.read_text())
    finally:
        await connection.close()


async def test_the_seed_is_a_shop_and_its_stock_agrees_with_the_ledger(
    api, database_url, look
) -> None:
    for _ in range(2):
        await apply_seed(database_url)
    categories = (await api.get("/products/categories")).json()["categories"]
    assert 6 <= len(categories) <= 8
    products = (await api.get("/products?limit=100")).json()["items"]
    assert len(products) == sum(category["products"] for category in categories) >= 36
    assert {product["currency"] for product in products} == {"EUR"}
    assert len({product["name"] for product in products}) == len(products)
    assert all(len(product["description"]) > 30 for product in products)
    async with look() as connection:
        levels = await connection.fetch(_LEVELS)
    assert len(levels) == len(products)
    for level in levels:
        assert (level["on_hand"], level["reserved"]) == (level["counted"], level["held"])


async def test_what_staff_changed_stays_when_the_seed_is_applied_again(api, database_url) -> None:
    await apply_seed(database_url)
    kettle = (await api.get("/products?q=kettle")).json()["items"][0]
    path, staff = f"/products/{kettle['id']}", issue_token("sam", roles=["staff"])
    await api.patch(path, json={"version": 1, "price_minor": 12345}, token=staff)
    await api.put(f"{path}/stock", json={"on_hand": 3}, token=staff)
    await apply_seed(database_url)
    assert (await api.get(path)).json()["price_minor"] == 12345
    assert (await api.get(f"{path}/stock")).json()["on_hand"] == 3


async def test_fifty_buyers_of_the_last_ten_compasses_through_http(api, database_url) -> None:
    await apply_seed(database_url)
    compass = (await api.get("/products?q=compass")).json()["items"][0]["id"]
    assert (await api.get(f"/products/{compass}/stock")).json()["available"] == 10
    body = {"lines": [{"product_id": compass, "quantity": 1}]}
    answers = await asyncio.gather(
        *(api.put(f"/reservations/{order:032x}", json=body) for order in range(1, 51))
    )
    assert sorted(answer.status for answer in answers) == [201] * 10 + [409] * 40
    assert (await api.get(f"/products/{compass}/stock")).json()["available"] == 0
