"""The rendered network policies, enforced by Calico's Felix: what passes, what does not, who sells.

The name of this file has it run after those that come in by a node, which no policy lets in.
"""

from __future__ import annotations

import pytest
from journeys import journeys_of

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]


@pytest.mark.parametrize("system", ["shop", "hello-dd"])
def test_what_is_declared_connects_and_nothing_else_does(policed, system):
    tried = policed[system]
    assert tried.open == tried.possible  # before, each pod reached every port of every other
    assert tried.policed - tried.declared == set()
    assert tried.declared - tried.policed == set()
    print(f"{system}: of {len(tried.possible)} connections {len(tried.policed)} are left")


async def test_an_order_is_paid_for_while_policies_hold(policed, entries):
    entry = entries["shop"]
    async with entry.asking() as session:
        ann = journeys_of("shop").Shopper(session, entry.url("api.shop.localhost"))
        while (await ann.sign_up()).status == 504:  # a hash took too long on a busy machine
            pass
        kettle = (await ann.find("kettle"))["id"]
        placed = await ann.order(kettle, 1)
        assert placed.status in (201, 202), placed.data
        assert (await ann.ended(placed.data["id"]))["status"] == "confirmed"
