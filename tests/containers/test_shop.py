"""The shop under Docker Compose, as its roadmap has it: all containers, on RabbitMQ.

On stand-ins for the public images (`standins.STAND_IN`).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from chromium import launched
from composed import Composed
from journeys import journeys_of
from playwright.sync_api import expect
from rendered import plan_of

pytestmark = [pytest.mark.containers, pytest.mark.timeout(300)]

journeys = journeys_of("shop")
PLAN = plan_of("shop", "compose")
#: Emails leave by the cloud's server, and here is none: it says that it is not ready.
NO_MAIL = frozenset({"notification-service"})
#: The numbers that the roadmap's own file publishes; the entry's and the stores' among them.
PORTS = {3000, 3001, 8000, 3003, 3004, 6379, 5672, 15672}


@pytest.fixture(scope="module")
def shop(docker, images, tmp_path_factory) -> Iterator[Composed]:
    """Give the rehearsal of production, sown."""
    if docker.compose is None:
        pytest.skip("there is no Docker Compose 2; run .ci/containers")
    images.of("shop")
    scale = {service.name: 1 for service in PLAN.services}
    folder = tmp_path_factory.mktemp("shop")
    system = Composed.lay_out("shop", docker, folder, scale, waiting=NO_MAIL)
    try:
        system.up()
        yield system
    finally:
        system.down()


def test_all_of_it_is_up_after_one_command_and_nothing_was_restarted(shop):
    there = {workload.name: shop.compose.containers(workload.name) for workload in PLAN.workloads}
    assert {name: len(found) for name, found in there.items()} == dict.fromkeys(there, 1)
    for name, (container,) in there.items():
        assert container["State"]["Running"], name
        assert container["RestartCount"] == 0, name


def test_every_number_of_the_roadmap_is_a_port_of_it():
    assert {port for workload in PLAN.workloads for port in workload.ports.values()} >= PORTS


async def test_an_order_is_paid_for_through_the_broker_and_stock_goes_down(shop, session):
    ann = journeys.Shopper(session, shop.url("api-gateway"))
    # Containers that have just begun share two cores: a hash that took too long is asked for again.
    while (await ann.sign_up()).status == 504:
        pass
    assert ann.token
    kettle = (await ann.find("kettle"))["id"]
    before = await ann.stock(kettle)
    placed = await ann.order(kettle, 2)
    assert placed.status in (201, 202), placed.data
    assert (await ann.ended(placed.data["id"]))["status"] == "confirmed"
    assert await ann.stock(kettle) == before - 2
    declined = await ann.order(kettle, 1, payment_token="tok_declined")
    assert (await ann.ended(declined.data["id"]))["status"] == "cancelled"


def address_of(shop: Composed, store: str) -> str:
    (container,) = shop.compose.containers(store)
    networks = container["NetworkSettings"]["Networks"].values()
    return next(network["IPAddress"] for network in networks if network["IPAddress"])


def administrator(shop: Composed) -> str:
    """Read the password of the broker's administrator where a user finds it."""
    lines = (shop.compose.folder / ".env").read_text().splitlines()
    secrets = dict(line.split("=", 1) for line in lines if "=" in line)
    return secrets["STORES_BROKER_ADMIN"].strip("'")


async def test_the_brokers_pages_let_its_administrator_in_and_no_guest(shop, session):
    url = f"http://{address_of(shop, 'broker')}:15672/api/queues"

    async def asked(user: str, word: str) -> tuple[int, object]:
        told = base64.b64encode(f"{user}:{word}".encode()).decode()
        async with session.get(url, headers={"Authorization": f"Basic {told}"}) as answer:
            return answer.status, await answer.json()

    status, queues = await asked("tarmac", administrator(shop))
    assert status == 200
    assert any("order.placed" in queue["name"] for queue in queues)
    assert (await asked("guest", "guest"))[0] == 401


def test_the_brokers_pages_show_its_queues_after_a_login(shop):
    with launched() as browser:
        page = browser.new_page()
        page.goto(f"http://{address_of(shop, 'broker')}:15672/")
        page.locator("[name=username]").fill("tarmac")
        page.locator("[name=password]").fill(administrator(shop))
        page.locator("[type=submit]").click()
        page.get_by_role("link", name="Queues").first.click()
        expect(page.get_by_role("link", name="order.placed").first).to_be_visible()
        expect(page.get_by_text("RabbitMQ").first).to_be_visible()
