"""The shop on three nodes: seven services, six stores, and an order through all of them.

On stand-ins for the public images (`standins.STAND_IN`).
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from deployed import DeployedSystem
from journeys import journeys_of
from shop_trouble import KILLED, STARVED, WEDGED, ShopTrouble, end
from waiting import until

#: The first one waits until images are built and nodes are ready.
pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

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


def queues(shop: DeployedSystem) -> dict[str, dict[str, Any]]:
    """Ask RabbitMQ itself what it holds, by the queue's name."""
    program = ("/opt/rabbitmq/sbin/rabbitmqctl", "--quiet", "--formatter", "json")
    asked = (*program, "list_queues", "name", "durable", "messages")
    listed = shop.k("exec", "broker-0", "--container", "broker", "--", *asked)
    return {queue["name"]: queue for queue in json.loads(listed)}


async def test_what_no_consumer_has_taken_yet_survives_the_brokers_pod(shop):
    payments, kept = "deployment/payment-service", shop.pods("broker")
    async with aiohttp.ClientSession() as session:
        ann = journeys.Shopper(session, shop.url("api-gateway"))
        while (await ann.sign_up()).status == 504:  # as above
            pass
        kettle = (await ann.find("kettle"))["id"]
        shop.k("scale", payments, "--replicas=0")
        await until(lambda: asyncio.to_thread(lambda: not shop.pods("payment-service")), LONG_S)
        placed = await ann.order(kettle, 1)
        assert placed.status in (201, 202), placed.data
        await until(
            lambda: asyncio.to_thread(lambda: any(q["messages"] for q in queues(shop).values())),
            LONG_S,
        )
        before = queues(shop)
        shop.k("delete", "pod", "broker-0")
        shop.rolled_out("statefulset/broker")
        after = queues(shop)
        assert shop.pods("broker")[0]["metadata"]["uid"] != kept[0]["metadata"]["uid"]
        assert after == before
        assert all(queue["durable"] for queue in after.values())
        shop.k("scale", payments, "--replicas=1")
        assert (await ann.ended(placed.data["id"], LONG_S))["status"] == "confirmed"


REPLICAS = "    replicas: {min: 3, max: 4, cpu: 70, memory: 80, available: 2}\n"


async def test_three_replicas_of_each_service_are_in_three_zones_and_a_drain_leaves_two(shop):
    deployments = shop.read("deployments", f"--selector={COMPONENT}=service")["items"]
    services = [one["metadata"]["name"] for one in deployments]
    assert len(services) == 7
    drain = ("drain", "node3", "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=250s")
    chosen = "--pod-selector=app.kubernetes.io/part-of=shop"
    with shop.configured(REPLICAS):
        await asyncio.to_thread(shop.deploy)
        await until(
            lambda: asyncio.to_thread(lambda: all(shop.ready(name) == 3 for name in services)),
            LONG_S,
        )
        for name in services:
            assert sorted(shop.zones(name).values()) == [1, 1, 1], name
        budgets = shop.read("poddisruptionbudgets")["items"]
        assert {one["metadata"]["name"]: one["spec"]["minAvailable"] for one in budgets} == (
            dict.fromkeys(services, 2)
        )
        least = dict.fromkeys(services, 3)
        drained = asyncio.create_task(asyncio.to_thread(shop.cluster.kubectl, *drain, chosen))
        try:
            while not drained.done():
                for name in services:
                    least[name] = min(least[name], await asyncio.to_thread(shop.ready, name))
            await drained
        finally:
            shop.cluster.kubectl("uncordon", "node3")
        assert not [pod for pod in shop.pods() if pod["spec"].get("nodeName") == "node3"]
        assert min(least.values()) >= 2, least
    await asyncio.to_thread(shop.deploy, "--prune", "--yes")
