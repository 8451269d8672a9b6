"""hello-dd and travel in a mesh of the tests' cluster, one after the other, each by its own entry.

On stand-ins for the public images (`standins.STAND_IN`, `store_images`), with a stock Envoy as the
proxy. The pods of an entry are those that istiod makes for a rendered Gateway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import aiohttp
import cluster_istio
import pytest
import store_images
from cluster import Cluster
from cluster_entry import MOVED, Entry, routes
from cluster_istio import INGRESS
from deployed import DeployedSystem
from purchase import in_travel
from waiting import until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

BY_NGINX = "    ingress: {kind: ingress, controller: nginx, namespace: ingress-nginx}\n"


@pytest.fixture(scope="module", params=["hello-dd", "travel"])
def meshed(
    nodes: Cluster, pulled, lacking, mesh, authority, request, tmp_path_factory
) -> Iterator[Entry]:
    """Deploy a system into a mesh; gives the way in."""
    name: str = request.param
    store_images.require(pulled[name], lacking)
    folder = tmp_path_factory.mktemp(name)
    system = DeployedSystem.lay_out(nodes, name, folder, namespace=f"{name}-meshed")
    ingress = f"{{controller: istio, tls: {name}-tls, issuer: tests}}"
    space = f"    namespace: {system.namespace}\n"
    system.edit(BY_NGINX, f"{space}    mesh: istio\n    ingress: {ingress}\n")
    (folder / "authority.crt").write_bytes(authority)
    print(system.deploy().stdout.splitlines()[-1])
    system.sow()
    yield cluster_istio.entry(system)
    nodes.kubectl("delete", "namespace", system.namespace, "--wait=false")
    (gateway,) = system.rendered("Gateway")
    nodes.kubectl("delete", "gateway", gateway["metadata"]["name"], f"--namespace={INGRESS}")


def test_every_pod_has_a_proxy_and_istioctl_finds_nothing_wrong(meshed: Entry, mesh):
    found = cluster_istio.meshed(meshed.system)
    services = {one["metadata"]["name"] for one in meshed.system.rendered("Deployment")}
    assert len(found) >= len(services) >= 3
    assert all(found.values()), found
    assert cluster_istio.analysed(mesh, meshed.system) == []


async def visit(entry: Entry, session: aiohttp.ClientSession) -> None:
    """Have requests go through all services."""
    if entry.system.system == "travel":
        assert await (await in_travel(session, entry))() == "confirmed"
        return
    (host, *_) = routes(entry.system.system)[0]
    async with session.get(entry.url(host, "/offers")) as answer:
        assert answer.status == 200
        assert len((await answer.json())["offers"]) > 3


async def test_requests_are_encrypted_from_the_edge_to_every_pod_behind_it(meshed: Entry):
    async with meshed.asking() as session:
        await visit(meshed, session)
    counted = await asyncio.to_thread(cluster_istio.counted, meshed.system)
    assert await asyncio.to_thread(cluster_istio.in_clear, meshed.system) == {}
    assert cluster_istio.unreached(meshed.system, counted) == set()


def test_plain_text_from_outside_of_the_mesh_gets_no_answer(meshed: Entry, mesh):
    for one in meshed.system.rendered("Deployment"):
        (pod, *_) = meshed.system.pods(one["metadata"]["name"])
        assert cluster_istio.is_strict(mesh, meshed.system, pod)
        assert "reset by peer" in cluster_istio.asked_in_clear(meshed.system, pod)


async def test_every_host_leads_to_its_services_by_a_certificate_of_its_issuer(meshed: Entry):
    async with meshed.asking() as session:
        for host, path, service in routes(meshed.system.system):
            before = await asyncio.to_thread(cluster_istio.requests, meshed.system, service)
            async with session.get(meshed.url(host, path)) as answer:
                await answer.read()
            await until(
                lambda service=service, before=before: asyncio.to_thread(
                    lambda: cluster_istio.requests(meshed.system, service) > before
                )
            )
            plain = meshed.url(host, path, scheme="http")
            async with session.get(plain, allow_redirects=False) as answer:
                assert answer.status in MOVED
    async with meshed.asking(trusted=False) as session:
        host, path, _ = routes(meshed.system.system)[0]
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(meshed.url(host, path))
