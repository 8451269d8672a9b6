"""The shop on three nodes: seven services, six stores, and an order through all of them.

On stand-ins for the public images (`standins.STAND_IN`).
"""

from __future__ import annotations

from collections.abc import Iterator

import aiohttp
import kube_images
import pytest
from cluster import Cluster
from deployed import DeployedSystem
from journeys import journeys_of

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]

journeys = journeys_of("shop")
COMPONENT = "app.kubernetes.io/component"


@pytest.fixture(scope="module")
def shop(nodes: Cluster, docker, images, tmp_path_factory) -> Iterator[DeployedSystem]:
    """Deploy it, with its first rows."""
    folder = tmp_path_factory.mktemp("shop")
    kube_images.broker_and_mail(docker, folder)
    tags = kube_images.of(images, "shop", "kind")
    file = kube_images.save(docker, tags, folder / "images.tar")
    nodes.load(file)
    file.unlink()
    system = DeployedSystem.lay_out(nodes, "shop", folder)
    done = system.deploy()
    print(done.stdout.splitlines()[-1])
    system.sow()
    yield system
    nodes.kubectl("delete", "namespace", system.namespace, "--wait=false")


def test_every_service_is_ready_and_none_was_restarted(shop: DeployedSystem):
    deployments = shop.read("deployments")["items"]
    services = [d for d in deployments if d["metadata"]["labels"][COMPONENT] == "service"]
    assert len(services) == 7
    assert all(d["status"]["readyReplicas"] >= 1 for d in services)
    statuses = [s for pod in shop.pods() for s in pod["status"]["containerStatuses"]]
    assert {status["restartCount"] for status in statuses} == {0}


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
