"""The starter's end-to-end suite as it stands, against the tests' cluster.

On stand-ins for the public images (`standins.STAND_IN`). What is about one machine alone is left
out: the traces that Tarmac keeps there, and stores that are made new.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator

import aiohttp
import cluster_entry
import pytest
import store_images
import suites
from cluster import Cluster
from deployed import DeployedSystem
from suited import Suited

_starter = suites.suite("test_starter")

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

SPACE = "starter-suite"
#: Two of each service, as the suite has it on one machine.
TWO = f"    namespace: {SPACE}\n    replicas: {{min: 2, max: 3, cpu: 90}}\n"
HERE = (
    "test_a_request_is_one_trace_that_tarmac_shows",
    "test_a_fresh_starter_holds_what_it_began_with",
)
globals().update(suites.tests_of(_starter, "starter", *HERE))
ann = _starter.ann


@pytest.fixture(scope="module", params=["starter"])
def starter(
    nodes: Cluster, pulled, lacking, authority, request, tmp_path_factory
) -> Iterator[Suited]:
    """Deploy two of each service, with the way in."""
    if authority is None:
        pytest.skip(cluster_entry.GET)
    store_images.require(pulled[request.param], lacking)
    folder = tmp_path_factory.mktemp("starter")
    system = DeployedSystem.lay_out(nodes, request.param, folder, namespace=SPACE)
    system.edit("    secrets: script\n", f"    secrets: script\n{TWO}")
    cluster_entry.encrypt(system, authority)
    print(system.deploy().stdout.splitlines()[-1])
    system.sow()
    entry = cluster_entry.begin(nodes, (system,))[request.param]
    yield Suited(system, entry.url("api.starter.localhost"))
    nodes.kubectl("delete", "namespace", SPACE, "--wait=false")


@pytest.fixture
async def session(authority) -> AsyncIterator[aiohttp.ClientSession]:
    """Give a client that is led to this machine by each name, and trusts the tests' authority."""
    tls = ssl.create_default_context(cadata=authority.decode() if authority else None)
    connector = aiohttp.TCPConnector(resolver=cluster_entry.Here(), ssl=tls)
    async with aiohttp.ClientSession(connector=connector) as found:
        yield found


async def test_at_the_end_every_invariant_holds(starter: Suited):
    """Ask after all of the suite; named here, where a requirement finds its proof."""
    await _starter.test_at_the_end_every_invariant_holds(starter)
