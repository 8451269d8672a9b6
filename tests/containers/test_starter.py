"""starter under Docker Compose: two services, a store of documents and a database.

On stand-ins for the public images (`standins.STAND_IN`): in the place of MongoDB FerretDB, which
MongoDB's own shell sets up by the rendered script.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import store_images
from composed import Composed
from journeys import journeys_of
from rendered import plan_of

pytestmark = [pytest.mark.containers, pytest.mark.timeout(300)]

PLAN = plan_of("starter", "compose")


@pytest.fixture(scope="module")
def starter(docker, images, tmp_path_factory) -> Iterator[Composed]:
    """Give the rehearsal of production, sown."""
    if docker.compose is None:
        pytest.skip("there is no Docker Compose 2; run .ci/containers")
    made = tmp_path_factory.mktemp("mongodb")
    if lacking := store_images.make(docker, [store_images.MONGODB], made):
        pytest.skip(lacking[store_images.MONGODB])
    images.of("starter")
    scale = {service.name: 1 for service in PLAN.services}
    system = Composed.lay_out("starter", docker, tmp_path_factory.mktemp("starter"), scale)
    try:
        system.up()
        yield system
    finally:
        system.down()


async def test_a_users_page_has_the_orders_that_the_other_service_knows(starter, session):
    ann = journeys_of("starter").Person(session, starter.url("user-service"))
    assert (await ann.sign_up(city="Ghent", attributes={"sizes": {"shoe": 38}})).status == 201
    ann.address = starter.url("order-service")
    ordered = await ann.order("Kettle", 2550)
    assert (ordered.status, ordered.data["total_minor"]) == (201, 5100)
    ann.address = starter.url("user-service")
    assert (await ann.profile()).data["attributes"] == {"sizes": {"shoe": 38}}
    fetched = await ann.orders()
    assert [item["id"] for item in fetched.data["items"]] == [ordered.data["id"]]
