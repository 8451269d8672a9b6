"""The end-to-end suites of hello-dd and starter as they stand, against the tests' cluster.

On stand-ins for the public images (`standins.STAND_IN`). What is about one machine alone is left
out: the traces that Tarmac keeps there, and stores that are made new.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import cluster_entry
import pytest
import store_images
import suites
from cluster import Cluster
from deployed import DeployedSystem
from suited import Suited

_hello, _starter = suites.suite("test_hello_dd"), suites.suite("test_starter")

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]

#: Two of each service, as the suites have it here; calls are let in by policies.
TWO = "    replicas: {min: 2, max: 3, cpu: 90}\n"
HERE = (
    "test_a_request_is_one_trace_that_tarmac_shows",
    "test_a_fresh_starter_holds_what_it_began_with",
)
globals().update(suites.tests_of(_hello, "hello"))
globals().update(
    (f"{name}_in_starter", test)
    for name, test in suites.tests_of(_starter, "starter", *HERE).items()
)
ben, sam, ann = _hello.ben, _hello.sam, _starter.ann


def deployed(nodes: Cluster, name: str, folder: Path, authority: bytes = b"") -> DeployedSystem:
    """Deploy two of each service; with an authority, by an entry that asks for TLS."""
    system = DeployedSystem.lay_out(nodes, name, folder, namespace=f"{name}-suite")
    system.edit("    secrets: script\n", f"    secrets: script\n    namespace: {name}-suite\n{TWO}")
    if authority:
        cluster_entry.encrypt(system, authority)
    print(system.deploy().stdout.splitlines()[-1])
    system.sow()
    return system


@pytest.fixture(scope="module", params=["hello-dd"])
def hello(nodes: Cluster, pulled, lacking, request, tmp_path_factory) -> Iterator[Suited]:
    """Give hello-dd."""
    system = deployed(nodes, request.param, tmp_path_factory.mktemp("hello"))
    yield Suited(system)
    nodes.kubectl("delete", "namespace", system.namespace, "--wait=false")


@pytest.fixture(scope="module", params=["starter"])
def starter(
    nodes: Cluster, pulled, lacking, authority, request, tmp_path_factory
) -> Iterator[Suited]:
    """Give the starter, with the way in."""
    if authority is None:
        pytest.skip(cluster_entry.GET)
    store_images.require(pulled[request.param], lacking)
    system = deployed(nodes, request.param, tmp_path_factory.mktemp("starter"), authority)
    entry = cluster_entry.begin(nodes, (system,))[request.param]
    yield Suited(system, entry.url("api.starter.localhost"))
    nodes.kubectl("delete", "namespace", system.namespace, "--wait=false")


@pytest.fixture
async def session(authority) -> AsyncIterator[aiohttp.ClientSession]:
    """Give a client whom names lead to this machine, and who trusts the tests' authority."""
    tls = ssl.create_default_context(cadata=authority.decode() if authority else None)
    connector = aiohttp.TCPConnector(resolver=cluster_entry.Here(), ssl=tls)
    async with aiohttp.ClientSession(connector=connector) as found:
        yield found
