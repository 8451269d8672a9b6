"""The rendered network policies, enforced by Calico's Felix: what passes, what does not, who sells.

The name of this file has it run after those that come in by a node, which no policy lets in.
"""

from __future__ import annotations

import pytest
from purchase import purchase

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]


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
        await purchase(session, entry.url("api.shop.localhost"))
