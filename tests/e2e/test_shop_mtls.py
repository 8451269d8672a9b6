"""The shop with `--mtls`: customers buy over edges that are encrypted and know both ends."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from copies import ROOT
from shopping import Shopper
from waiting import until

from tarmac.run.local_system import LocalSystem
from tarmac.testing import running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

#: What an order uses; a payment's and a reservation's events go by the broker.
USED = {
    ("api-gateway", "order-service"),
    ("api-gateway", "user-service"),
    ("order-service", "orders-db"),
    ("order-service", "product-service"),
    ("order-service", "broker"),
    ("payment-service", "payments-db"),
    ("product-service", "products-db"),
    ("notification-service", "mail"),
    ("user-service", "users-db"),
    ("world", "api-gateway"),
}


async def test_an_order_goes_over_edges_that_know_both_their_ends():
    file = Path(ROOT / "systems/shop/tarmac.yaml")
    with running(file, name="mtls", mtls=True) as shop:
        async with aiohttp.ClientSession() as session:
            shopper = Shopper(session, shop.url("api-gateway"))
            assert (await shopper.sign_up()).status == 201
            product = (await shopper.find("kettle"))["id"]
            orders = [(await shopper.order(product)).data["id"] for _ in range(3)]
            ended = await asyncio.gather(*(shopper.ended(order, 60) for order in orders))
        assert {order["status"] for order in ended} == {"confirmed"}

        def edges() -> list[dict[str, Any]]:
            found = LocalSystem(file, shop.home).edges()
            assert not found.refused
            assert not found.undeclared
            assert len(found.secured) == len(found.edges)
            return [edge for edge in found.edges if edge["connections"]]

        def all_identified() -> bool:
            return all(e["tls"]["identified"] == e["connections"] - e["errors"] for e in edges())

        await until(all_identified)
        assert {(edge["source"], edge["target"]) for edge in edges()} >= USED
