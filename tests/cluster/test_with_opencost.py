"""What the shop costs in a cluster, by namespace and by service, as OpenCost says it.

On stand-ins for the public images (`standins.STAND_IN`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cluster_opencost
import cluster_prometheus
import pytest
import store_images
from cluster import Cluster
from cluster_prometheus import Watched
from deployed import DeployedSystem

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

SPACE = "shop-priced"
PRICED = f"""\
    namespace: {SPACE}
    observability: {{notify: {{critical: slack}}, costs: {{budget: 100}}}}
"""


@pytest.fixture(scope="module", params=["shop"])
def priced(nodes: Cluster, docker, pulled, lacking, request, tmp_path_factory) -> Iterator[Watched]:
    """Deploy it where a Prometheus and OpenCost run."""
    if (watching := cluster_prometheus.programs()) is None:
        pytest.skip(cluster_prometheus.GET)
    if (found := cluster_opencost.programs()) is None:
        pytest.skip(cluster_opencost.GET)
    store_images.require(pulled[request.param], lacking)
    folder = tmp_path_factory.mktemp("priced")
    system = DeployedSystem.lay_out(nodes, request.param, folder, namespace=SPACE)
    system.edit("    secrets: script\n", f"    secrets: script\n{PRICED}")
    scratch = tmp_path_factory.mktemp("programs")
    watched = cluster_prometheus.install(system, watching, docker, scratch)
    cluster_opencost.install(system, docker, found, watched.tree, scratch)
    print(system.deploy().stdout.splitlines()[-1])
    yield watched
    nodes.kubectl("delete", "namespace", SPACE, "--wait=false")


def costs(priced: Watched, by: str) -> dict[str, float]:
    """Ask until something costs something; gives what each costs."""

    def asked() -> dict[str, Any]:
        return cluster_opencost.allocation(priced.system, by)

    priced.system.until(lambda: any(one["totalCost"] > 0 for one in asked().values()), 400)
    return {name: one["totalCost"] for name, one in asked().items()}


def test_a_namespace_has_a_cost(priced: Watched):
    priced.system.until(lambda: costs(priced, "namespace").get(SPACE, 0) > 0, 400)
    found = costs(priced, "namespace")
    print({name: round(cost, 6) for name, cost in found.items()})
    assert found[SPACE] > found.get("kube-system", 0)


def test_each_service_has_a_cost(priced: Watched):
    services = {one["metadata"]["name"] for one in priced.system.rendered("Deployment")}

    def all_cost() -> bool:
        found = costs(priced, "service")
        return all(found.get(name, 0) > 0 for name in services)

    priced.system.until(all_cost, 400)


def test_the_alerts_on_cost_have_what_they_ask_for(priced: Watched):
    prometheus = priced.prometheus()
    for metric in ("node_total_hourly_cost", "container_cpu_allocation"):
        priced.system.until(lambda metric=metric: bool(prometheus.ask(f"sum({metric}) > 0")), 200)
