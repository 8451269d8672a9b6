"""The shop in a mesh of the tests' cluster: proxies in its pods, its entry, and new versions tried.

On stand-ins for the public images (`standins.STAND_IN`), with a stock Envoy as the proxy.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import aiohttp
import cluster_flagger
import cluster_issuing
import cluster_istio
import cluster_prometheus
import cluster_trials
import pytest
import store_images
from cluster import Cluster
from cluster_entry import Entry
from cluster_istio import INGRESS, ROOT
from deployed import DeployedSystem
from purchase import purchase
from rendered import plan_of

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

SPACE, SERVICE = "shop-meshed", "product-service"
#: What production asks for, with less time for a trial, and more for an answer on a busy machine.
#: A run without enough requests fails, and a tenth of them takes three scrapes to be that many.
MESHED = f"""\
    namespace: {SPACE}
    mesh: istio
    ingress: {{kind: ingress, controller: istio, tls: shop-tls, issuer: tests}}
    observability: {{notify: {{critical: slack}}}}
    rollout:
      by: flagger
      services: [api-gateway, {SERVICE}]
      success: 99
      p99: 2s
      every: 15s
      failures: 8
"""
HOST = "api.shop.localhost"
FOUND = "/api/products?q=kettle"
WEIGHTS = (10, 20, 30, 40, 50)
CHANGED, SLOW_S = "tarmac_catalog.service.Catalog.browse", 3


@dataclass(frozen=True)
class Meshed:
    """The shop with its way in."""

    system: DeployedSystem
    entry: Entry
    programs: cluster_istio.Programs


@pytest.fixture(scope="module", params=["shop"])
def meshed(
    nodes: Cluster, docker, pulled, lacking, mesh, authority, request, tmp_path_factory
) -> Iterator[Meshed]:
    """Deploy it where Istio, an operator of Prometheus and Flagger run."""
    if (flagger := cluster_flagger.home()) is None:
        pytest.skip(cluster_flagger.GET)
    if (watching := cluster_prometheus.programs()) is None:
        pytest.skip(cluster_prometheus.GET)
    store_images.require(pulled[request.param], lacking)
    system = DeployedSystem.lay_out(
        nodes, request.param, tmp_path_factory.mktemp("meshed"), namespace=SPACE
    )
    system.edit("    secrets: script\n", f"    secrets: script\n{MESHED}")
    (system.folder / "authority.crt").write_bytes(authority)
    scratch = tmp_path_factory.mktemp("programs")
    tree = scratch / "meshed"
    system.tarmac("render", "--env", "kind", "--out", str(tree))
    cluster_prometheus.install(system, watching, docker, scratch)
    cluster_flagger.install(system, docker, flagger, mesh.helm, tree, scratch)
    image = plan_of("shop", "kind").workload(SERVICE).image
    cluster_trials.bring_versions(nodes, docker, image, CHANGED, SLOW_S, scratch / "versions")
    print(system.deploy().stdout.splitlines()[-1])
    system.sow()
    cluster_issuing.until_issued(system)
    address = nodes.read("service", "istio-ingressgateway", f"--namespace={INGRESS}")["spec"]
    ports = (nodes.reach(address["clusterIP"], port) for port in (80, 443))
    yield Meshed(system, Entry(system, *ports), mesh)
    nodes.kubectl("delete", "namespace", SPACE, "--wait=false")


def test_istiod_is_ready_and_istioctl_finds_nothing_wrong(meshed: Meshed):
    cluster = meshed.system.cluster
    what = ("deployment/istiod", "--for=condition=available", f"--namespace={ROOT}")
    cluster.kubectl("wait", *what, "--timeout=60s")
    assert cluster_istio.analysed(meshed.programs, meshed.system) == []


def test_every_pod_of_the_namespace_has_a_proxy_that_is_ready(meshed: Meshed):
    labels = meshed.system.cluster.read("namespace", SPACE)["metadata"]["labels"]
    assert labels["istio-injection"] == "enabled"
    found = cluster_istio.meshed(meshed.system)
    assert len(found) >= 10
    assert all(found.values()), found


def test_the_mesh_says_that_it_is_strict_and_plain_text_gets_no_answer(meshed: Meshed):
    system = meshed.system
    (pod, *_) = system.pods("user-service")
    assert cluster_istio.is_strict(meshed.programs, system, pod)
    assert "reset by peer" in cluster_istio.asked_in_clear(system, pod)


async def test_a_purchase_is_encrypted_from_the_edge_to_every_pod_behind_it(meshed: Meshed):
    async with meshed.entry.asking() as session:
        await purchase(session, meshed.entry.url(HOST))
    counted = await asyncio.to_thread(cluster_istio.counted, meshed.system)
    assert cluster_istio.unreached(meshed.system, counted) == set()
    assert await asyncio.to_thread(cluster_istio.in_clear, meshed.system) == {}


async def test_a_request_by_host_and_prefix_reaches_user_service(meshed: Meshed):
    url = meshed.entry.url(HOST, "/api/users/me")
    async with meshed.entry.asking() as session:
        async with session.get(url) as answer:
            assert answer.status == 401
            assert (await answer.json(content_type=None))["code"]
        with pytest.raises(aiohttp.ClientError):  # nothing is served by that name
            await session.get(meshed.entry.url("other.localhost", "/api/users/me"))
        plain = meshed.entry.url(HOST, "/api/users/me", scheme="http")
        async with session.get(plain, allow_redirects=False) as answer:
            assert answer.status == 301


def served(system: DeployedSystem) -> str:
    """Name the version that has the requests."""
    spec = system.read("deployment", f"{SERVICE}-primary")["spec"]["template"]["spec"]
    image: str = spec["containers"][0]["image"]
    return image.partition(":")[2]


def weights(system: DeployedSystem) -> dict[str, int]:
    """Read by which weights the mesh divides requests."""
    (http, *_) = system.read("virtualservice", SERVICE)["spec"]["http"]
    return {one["destination"]["host"]: one.get("weight", 0) for one in http["route"]}


async def tried(meshed: Meshed, version: str) -> tuple[int, str, Counter[int | str]]:
    """Deploy a version under load; give the exit code, what was printed, and visitors' answers."""
    cluster_trials.choose(meshed.system, SERVICE, version)
    async with meshed.entry.visited(HOST, FOUND) as answers:
        done = await asyncio.to_thread(meshed.system.deploy, check=False)
    said = f"{done.stdout}{done.stderr}{cluster_flagger.log(meshed.system)}"
    return done.returncode, said, answers


async def test_a_good_version_goes_through_all_weights_and_is_promoted(meshed: Meshed):
    code, printed, answers = await tried(meshed, "good")
    assert code == 0, printed
    met = re.findall(r"a new version is tried: (\d+) % of the requests", printed)
    assert [int(weight) for weight in met if weight != "0"] == list(WEIGHTS), printed
    assert f"Canary {SERVICE} ready" in printed
    assert served(meshed.system) == "good"
    assert set(answers) == {200}, answers


@pytest.mark.parametrize("version", ["failing", "slow"])
async def test_a_version_with_a_defect_is_taken_back(meshed: Meshed, version):
    before = served(meshed.system)
    code, printed, answers = await tried(meshed, version)
    assert code == 1, printed
    assert "its new version was taken back" in printed
    met = re.findall(r"a new version is tried: (\d+) % of the requests", printed)
    assert max(map(int, met)) < max(WEIGHTS)
    assert served(meshed.system) == before
    assert weights(meshed.system) == {f"{SERVICE}-primary": 100, f"{SERVICE}-canary": 0}
    assert answers[200] > 0.7 * answers.total(), answers
    async with meshed.entry.visited(HOST, FOUND) as afterwards:
        await asyncio.sleep(5)
    assert set(afterwards) == {200}
