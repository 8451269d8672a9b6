"""hello-dd's end-to-end suite as it stands, against the tests' cluster: two of each service.

On stand-ins for the public images (`standins.STAND_IN`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import store_images
import suites
from cluster import Cluster
from deployed import DeployedSystem
from suited import Suited

_suite = suites.suite("test_hello_dd")

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

SPACE = "hello-dd-suite"
TWO = f"    namespace: {SPACE}\n    replicas: {{min: 2, max: 3, cpu: 90}}\n"
globals().update(suites.tests_of(_suite, "hello"))
ben, sam = _suite.ben, _suite.sam


@pytest.fixture(scope="module")
def hello(nodes: Cluster, pulled, lacking, tmp_path_factory) -> Iterator[Suited]:
    """Deploy two of each service."""
    store_images.require(pulled["hello-dd"], lacking)
    system = DeployedSystem.lay_out(
        nodes, "hello-dd", tmp_path_factory.mktemp("hello"), namespace=SPACE
    )
    system.edit("    secrets: script\n", f"    secrets: script\n{TWO}")
    print(system.deploy().stdout.splitlines()[-1])
    system.sow()
    # As the account that is declared to call both of the others.
    yield Suited(system, caller="api-gateway")
    nodes.kubectl("delete", "namespace", SPACE, "--wait=false")


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Give a client."""
    async with aiohttp.ClientSession() as found:
        yield found


def test_at_rest_every_invariant_holds(hello: Suited):
    """Ask after all of the suite; named here, where a requirement finds its proof."""
    _suite.test_at_rest_every_invariant_holds(hello)
