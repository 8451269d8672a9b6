"""New versions of travel's services in a mesh, tried by Argo Rollouts and its plugin for routes.

On stand-ins for the public images (`standins.STAND_IN`, `store_images`), with a stock Envoy as the
proxy. The plugin divides what comes by the Gateway and what other services ask.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import cluster_istio
import cluster_prometheus
import cluster_rollouts
import cluster_trials
import pytest
import store_images
from cluster import Cluster
from cluster_entry import Entry
from deployed import DeployedSystem
from rendered import plan_of

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

SPACE, SERVICE = "travel-tried", "catalog"
HOST, FOUND = "api.travel.localhost", "/products?q=walk"
WEIGHTS = (20, 50)
BY_NGINX = "    ingress: {kind: ingress, controller: nginx, namespace: ingress-nginx}\n"
#: What stg and prod ask for, in fewer steps, with less time for a trial and more for an answer.
TRIED = f"""\
    namespace: {SPACE}
    mesh: istio
    ingress: {{controller: istio, tls: travel-tls, issuer: tests}}
    observability: {{notify: {{critical: slack}}}}
    rollout:
      by: argo
      services: [{SERVICE}, orders]
      weights: {list(WEIGHTS)}
      every: 15s
      success: 99
      p99: 2s
"""
CHANGED, SLOW_S = "tarmac_catalog.service.Catalog.browse", 3


@dataclass(frozen=True)
class Tried:
    """Travel with its way in."""

    system: DeployedSystem
    entry: Entry

    async def deploy(self, version: str) -> tuple[int, str, Counter[int | str], set[int]]:
        """Deploy a version while it is asked for products.

        Returns:
            The exit code, what was printed, the answers, and the weights that all routes had.
        """
        cluster_trials.choose(self.system, SERVICE, version)
        met = set[int]()
        async with self.entry.visited(HOST, FOUND) as answers:
            deploying = asyncio.create_task(asyncio.to_thread(self.system.deploy, check=False))
            while not deploying.done():
                await asyncio.wait({deploying}, timeout=1)
                now = await asyncio.to_thread(cluster_rollouts.weights, self.system, SERVICE)
                if len(now) == 2 and len(set(now.values())) == 1:
                    met |= {*now.values()}
        done = deploying.result()
        said = f"{done.stdout}{done.stderr}{cluster_rollouts.log(self.system)}"
        return done.returncode, said, answers, met

    def images(self) -> set[str]:
        """Name the versions that pods of the service are of, which are not about to end."""
        pods = (p for p in self.system.pods(SERVICE) if "deletionTimestamp" not in p["metadata"])
        specs = (pod["spec"]["containers"] for pod in pods)
        return {
            one["image"].partition(":")[2]
            for spec in specs
            for one in spec
            if one["name"] == SERVICE
        }


@pytest.fixture(scope="module", params=["travel"])
def meshed(
    nodes: Cluster, docker, pulled, lacking, mesh, authority, request, tmp_path_factory
) -> Iterator[Tried]:
    """Deploy it where Istio, an operator of Prometheus and Argo Rollouts run."""
    if (rollouts := cluster_rollouts.home()) is None:
        pytest.skip(cluster_rollouts.GET)
    if (watching := cluster_prometheus.programs()) is None:
        pytest.skip(cluster_prometheus.GET)
    store_images.require(pulled[request.param], lacking)
    folder, scratch = (tmp_path_factory.mktemp(name) for name in ("travel", "programs"))
    system = DeployedSystem.lay_out(nodes, request.param, folder, namespace=SPACE)
    system.edit(BY_NGINX, TRIED)
    (folder / "authority.crt").write_bytes(authority)
    tree = scratch / "rendered"
    system.tarmac("render", "--env", "kind", "--out", str(tree))
    cluster_prometheus.install(system, watching, docker, scratch)
    cluster_rollouts.install(system, docker, rollouts, mesh.helm, tree, scratch)
    image = plan_of(system.system, "kind").workload(SERVICE).image
    cluster_trials.bring_versions(nodes, docker, image, CHANGED, SLOW_S, scratch / "versions")
    print(system.deploy().stdout.splitlines()[-1])
    system.sow()
    yield Tried(system, cluster_istio.entry(system))
    nodes.kubectl("delete", "namespace", SPACE, "--wait=false")


def test_the_controller_begins_with_all_requests_at_the_stable_version(meshed: Tried):
    for service in (SERVICE, "orders"):
        rollout = meshed.system.read("rollout", service)
        assert rollout["status"]["phase"] == "Healthy", cluster_rollouts.log(meshed.system)
        assert set(cluster_rollouts.weights(meshed.system, service).values()) == {0}


async def test_a_good_version_gets_its_share_of_both_routes_and_is_promoted(meshed: Tried):
    code, printed, answers, met = await meshed.deploy("good")
    assert code == 0, printed
    steps = re.findall(r"a new version is tried: .*?(\d+) %", printed)
    assert sorted({int(step) for step in steps} - {0}) == list(WEIGHTS), printed
    assert met >= {*WEIGHTS}, printed
    # The version before stays for half a minute, until all proxies know of it.
    meshed.system.until(lambda: meshed.images() == {"good"})
    assert set(answers) == {200}, answers


async def test_a_version_that_fails_gets_its_share_alone_and_is_taken_back(meshed: Tried):
    before = meshed.images()
    code, printed, answers, met = await meshed.deploy("failing")
    assert code == 1, printed
    assert "its new version was taken back" in printed
    assert max(met) == WEIGHTS[0]
    # One pod of three would get a third; before and after its trial it gets nothing.
    assert 0 < answers[500] < 0.3 * answers.total(), answers
    meshed.system.until(lambda: meshed.images() == before, within_s=300)
    assert set(cluster_rollouts.weights(meshed.system, SERVICE).values()) == {0}
    async with meshed.entry.visited(HOST, FOUND) as afterwards:
        await asyncio.sleep(5)
    assert set(afterwards) == {200}
