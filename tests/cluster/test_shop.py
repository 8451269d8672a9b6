"""The shop on three nodes: seven services, six stores, and an order through all of them.

On stand-ins for the public images (`standins.STAND_IN`).
"""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from deployed import DeployedSystem
from journeys import journeys_of
from shop_trouble import KILLED, STARVED, WEDGED, ShopTrouble, end
from waiting import until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]

journeys = journeys_of("shop")
#: What a test waits for at most, on a machine that is busy with others.
LONG_S = 150.0
COMPONENT = "app.kubernetes.io/component"


def test_every_service_is_ready_and_none_was_restarted(shop: DeployedSystem, trouble: ShopTrouble):
    deployments = shop.read("deployments")["items"]
    services = [d for d in deployments if d["metadata"]["labels"][COMPONENT] == "service"]
    assert len(services) == 7
    statuses = [s for pod in trouble.pods for s in pod["status"]["containerStatuses"]]
    assert {status["restartCount"] for status in statuses} == {0}
    assert all(s["ready"] for s in statuses if "terminated" not in s["state"])


async def test_probes_take_one_pod_out_of_service_and_restart_another(shop, trouble):
    """One without its database gets no requests and stays; one that is wedged is restarted."""
    await until(lambda: asyncio.to_thread(lambda: shop.restarts(WEDGED) == 1), LONG_S)
    assert shop.restarts(KILLED) == 1
    assert shop.ready(STARVED) == 0
    await asyncio.to_thread(end, shop)
    (after,) = shop.pods(STARVED)
    assert after["metadata"]["uid"] == trouble.pod(STARVED)["metadata"]["uid"]
    assert shop.restarts(STARVED) == 0


async def test_an_order_is_paid_for_through_services_and_broker_and_stock_goes_down(shop):
    async with aiohttp.ClientSession() as session:
        ann = journeys.Shopper(session, shop.url("api-gateway"))
        while (await ann.sign_up()).status == 504:  # a hash took too long on a busy machine
            pass
        kettle = (await ann.find("kettle"))["id"]
        before = await ann.stock(kettle)
        placed = await ann.order(kettle, 2)
        assert placed.status in (201, 202), placed.data
        assert (await ann.ended(placed.data["id"]))["status"] == "confirmed"
        assert await ann.stock(kettle) == before - 2
        declined = await ann.order(kettle, 1, payment_token="tok_declined")
        assert (await ann.ended(declined.data["id"]))["status"] == "cancelled"
