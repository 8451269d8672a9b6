"""What disturbs systems in a cluster: LitmusChaos, drills that empty a node, a lost node.

On stand-ins for the public images (`standins.STAND_IN`, `store_images`).
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator

import cluster_chaos
import pytest
import store_images
from cluster import Cluster
from cluster_node import Node
from deployed import DeployedSystem, load
from routed import routed
from waiting import until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

LONG_S = 200.0
#: The service whose pods end, and what is asked of another one meanwhile.
ENDED = {
    "hello-dd": ("inventory-service", "pricing-service", "/prices"),
    "starter": ("order-service", "user-service", "/.well-known/jwks.json"),
    "trading": ("portfolio-service", "market-service", "/market/instruments"),
    "travel": ("cart", "catalog", "/products"),
}
EXPORTED = """\
drill: 1
title: Pods of {ended} end every ten seconds while {asked} answers
load: {{journey: {journey}, rate: 2}}
hypothesis: {{success: 50, objectives: []}}
probes:
  - {{service: {asked}, path: {path}, every: 5s, timeout: 5s}}
method:
  - {{fault: kill, on: {ended}, signal: TERM, share: 50, every: 10s, for: 30s}}
baseline: 5s
recovery: 30s
"""
JOURNEYS = {"hello-dd": "look", "starter": "order", "trading": "look", "travel": "browse"}
#: Three of each service and two of them at least, one on each node.
REPLICAS = "    replicas: {min: 3, max: 4, cpu: 70, available: 2}\n"
REPLICATED = ("starter", "trading")
EMPTIED = """\
drill: 1
title: A node is emptied while visitors go on
load: {{journey: {journey}, rate: 2}}
hypothesis: {{success: 90, objectives: []}}
method:
  - {{fault: drain, on: node3, for: 1s}}
baseline: 3s
recovery: 60s
"""


@pytest.fixture(scope="module", params=ENDED)
def disturbed(
    nodes: Cluster, pulled, lacking, request, tmp_path_factory
) -> Iterator[DeployedSystem]:
    """Deploy a system whose stores are not on the third node, which a test takes away."""
    name: str = request.param
    store_images.require(pulled[name], lacking)
    folder = tmp_path_factory.mktemp(name)
    system = DeployedSystem.lay_out(nodes, name, folder, namespace=f"{name}-disturbed")
    system.edit("    secrets: script\n", f"    secrets: script\n    namespace: {name}-disturbed\n")
    nodes.kubectl("cordon", "node3")
    print(system.deploy().stdout.splitlines()[-1])
    nodes.kubectl("uncordon", "node3")
    system.sow()
    yield system
    nodes.kubectl("delete", "namespace", system.namespace, "--wait=false")


def test_litmus_ends_pods_that_come_back_and_its_verdict_is_pass(disturbed, litmus):
    ended, asked, path = ENDED[disturbed.system]
    drill = disturbed.file.parent / "drills/pods-end.yaml"
    journey = JOURNEYS[disturbed.system]
    drill.write_text(EXPORTED.format(ended=ended, asked=asked, path=path, journey=journey))
    before = {pod["metadata"]["uid"] for pod in disturbed.pods(ended)}
    result = cluster_chaos.carried_out(disturbed, drill.stem)
    assert result["experimentStatus"]["verdict"] == "Pass", result
    assert result["experimentStatus"]["probeSuccessPercentage"] == "100"
    disturbed.until(lambda: disturbed.ready(ended) == len(before))
    assert not {pod["metadata"]["uid"] for pod in disturbed.pods(ended)} & before


@pytest.fixture
def replicated(disturbed: DeployedSystem) -> DeployedSystem:
    """Give those whose roadmaps ask for it with three pods of each service on three nodes."""
    if disturbed.system not in REPLICATED:
        pytest.skip("its roadmap asks for no more, or another file tries it")
    if REPLICAS not in disturbed.file.read_text():
        disturbed.edit("  kind:\n", f"  kind:\n{REPLICAS}")
        disturbed.deploy()
    if not there(disturbed, "node3"):  # a test before has emptied it
        disturbed.there("restart", check=False)
    services = [one["metadata"]["name"] for one in disturbed.rendered("Deployment")]
    disturbed.until(lambda: all(disturbed.ready(name) >= 3 for name in services), LONG_S)
    disturbed.until(lambda: disturbed.there("ps", check=False).returncode == 0)
    assert there(disturbed, "node3")
    return disturbed


async def test_a_drain_takes_one_pod_of_a_service_at_a_time(replicated):
    _, asked, path = ENDED[replicated.system]
    budget = replicated.read("poddisruptionbudget", asked)
    assert budget["spec"]["minAvailable"] == 2
    drill = replicated.file.parent / "drills/emptied.yaml"
    drill.write_text(EMPTIED.format(journey=JOURNEYS[replicated.system]))
    least = 3
    async with load(f"{replicated.url(asked)}{path}") as seen:
        run = asyncio.create_task(asyncio.to_thread(drilled, replicated, drill.stem))
        while not run.done():
            least = min(least, await asyncio.to_thread(replicated.ready, asked))
        done = await run
    assert done.returncode == 0, done.stdout + done.stderr
    journal = json.loads(done.stdout)
    assert (journal["verdict"], journal["target"]) == ("PASS", "cluster")
    assert least >= 2
    assert not seen.failed, dict(seen.answers)
    assert not there(replicated, "node3")


def drilled(system: DeployedSystem, drill: str, *argv: str) -> subprocess.CompletedProcess[str]:
    """Carry a drill out, whose visitors come in by one address."""
    with routed(system) as entry:
        where = (f"--url=entry={entry}", "--json")
        return system.there("drill", drill, *where, *argv, check=False)


@pytest.fixture
def starter(replicated: DeployedSystem) -> DeployedSystem:
    """Give the starter alone."""
    if replicated.system != "starter":
        pytest.skip("its roadmap alone asks for it")
    return replicated


def test_a_ramp_from_light_to_heavy_has_a_verdict_at_each_step(starter, tmp_path):
    report = tmp_path / "report.html"
    done = drilled(starter, "light-to-heavy-in-cluster", f"--report={report}")
    assert done.returncode == 0, done.stdout + done.stderr
    journal = json.loads(done.stdout)
    assert (journal["verdict"], journal["target"]) == ("PASS", "cluster")
    proven = [check for check in journal["checks"] if check["about"] == "fault"]
    assert len(proven) == 4
    assert all(check["holds"] for check in proven), proven
    assert "<svg" in report.read_text()


@pytest.fixture
def third(nodes: Cluster) -> Node:
    """Give the node without stores."""
    return nodes.nodes[2]


def there(system: DeployedSystem, node: str) -> list[str]:
    """Name the pods that a node has to run."""
    return [p["metadata"]["name"] for p in system.pods() if p["spec"].get("nodeName") == node]


async def test_a_lost_node_fails_few_requests_and_its_pods_come_up_elsewhere(starter, third):
    _, asked, path = ENDED["starter"]
    cluster = starter.cluster
    async with load(f"{starter.url(asked)}{path}", limit_s=2) as seen:
        await until(lambda: seen.answers.total() >= 20)
        cluster.cut_off(third)
        try:
            await until(lambda: asyncio.to_thread(lambda: starter.ready(asked) == 2), LONG_S)
            await asyncio.sleep(5)  # what was under way to it then has ended
            during = dict(seen.answers)
            seen.answers.clear()
            await until(lambda: asyncio.to_thread(lambda: starter.ready(asked) == 3), LONG_S)
        finally:
            cluster.connect(third)
    print(f"answers until it is left out {during}, afterwards {dict(seen.answers)}")
    assert not seen.failed
