"""hello-dd on three nodes, as `tarmac deploy` puts it there: it runs, sells, and survives.

On stand-ins for the public images (`standins.STAND_IN`). The tests share one deployment, and leave
it as they found it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from cluster import Cluster
from cluster_node import Node
from deployed import DeployedSystem, load
from journeys import journeys_of
from rendered import ROOT
from waiting import until

from tarmac.drill.running import running_system
from tarmac.model.loader import load as load_system
from tarmac.run.pod_metrics import pod_metrics
from tarmac.run.telemetry import awaited

#: The first one waits until images are built and nodes are ready.
pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

journeys = journeys_of("hello-dd")
#: What a test waits for at most, on a machine that is busy with others.
LONG_S = 150.0
SCANNER = "0de110dd-0000-4000-8000-000000000002"
HITS = 'cache_operations_total{operation="get",result="hit"'
REPLICAS = "    replicas: {min: 3, max: 4, cpu: 70, available: 2}\n"
DRILL = """drill: 1
title: The cache is killed, then away, and a node is emptied while visitors look at offers
load: {journey: look, rate: 5}
hypothesis: {success: 99, objectives: []}
method:
  - {fault: kill, on: cache}
  - {fault: outage, on: cache, at: 2s, for: 3s}
  - {fault: drain, on: node3, at: 6s, for: 1s}
baseline: 3s
recovery: 30s
"""
SERVICES = ("api-gateway", "inventory-service", "pricing-service")


@pytest.fixture(scope="module")
def offers(hello: DeployedSystem) -> str:
    """Give the address of what the gateway makes of both other services' answers."""
    return f"{hello.url('api-gateway')}/offers"


@pytest.fixture(scope="module")
def third(nodes: Cluster) -> Node:
    """Give the node without stores."""
    return nodes.nodes[2]


async def waited(true: Callable[[], bool]) -> float:
    """Wait until something is so in the cluster; returns the seconds that it took."""
    began = time.monotonic()
    await until(lambda: asyncio.to_thread(true), LONG_S)
    return time.monotonic() - began


def waits_of(pods: list[dict[str, Any]]) -> set[str]:
    """Say what containers of pods wait for."""
    return {
        status.get("state", {}).get("waiting", {}).get("reason", "")
        for pod in pods
        for status in pod["status"].get("containerStatuses", ())
    }


def is_ready(cluster: Cluster, node: Node) -> bool:
    """Tell whether Kubernetes takes a node for one that runs."""
    conditions = cluster.read("node", node.name)["status"]["conditions"]
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def on_others(hello: DeployedSystem, service: str) -> int:
    """Count the ready pods of a service that are not on the third node."""
    return sum(
        pod["spec"]["nodeName"] != "node3"
        and any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"]["conditions"])
        for pod in hello.pods(service)
        if pod["spec"].get("nodeName")
    )


def observed(hello: DeployedSystem, *argv: str) -> dict[str, dict[str, Any]]:
    """Have what runs judged; gives what came of each gate, by its id."""
    done = hello.there("verify", "--json", *argv, check=False)
    found = json.loads(done.stdout)["results"]
    return {result["what"].removeprefix("gate:"): result for result in found}


def test_every_workload_is_ready_and_no_pod_has_failed_on_the_way(hello: DeployedSystem):
    workloads = hello.read("deployments,statefulsets")["items"]
    assert len(workloads) == 7
    assert all(found["status"]["readyReplicas"] == 1 for found in workloads)
    for pod in hello.pods():
        assert pod["status"]["phase"] in ("Running", "Succeeded"), pod["metadata"]["name"]
        for status in pod["status"]["containerStatuses"]:
            said = f"{pod['metadata']['name']}: {status['lastState']}"
            assert status["restartCount"] == 0, said
    shown = json.loads(hello.there("ps", "--json").stdout)
    assert shown["healthy"]
    named = {pod["name"] for workload in shown["workloads"] for pod in workload["pods"]}
    running = [pod for pod in hello.pods() if pod["status"]["phase"] == "Running"]
    assert named == {pod["metadata"]["name"] for pod in running}


def test_a_second_deployment_changes_nothing_and_nothing_has_drifted(hello: DeployedSystem):
    done = hello.deploy("--plan")
    assert "0 added, 0 changed" in done.stdout
    drifted = json.loads(hello.tarmac("drift", "--env", "kind", "--json").stdout)
    assert f"0 changed, {drifted['compared']} unchanged" in done.stdout
    assert [drifted[what] for what in ("missing", "changed", "extra")] == [[], [], []]
    judged = observed(hello)
    assert judged["RUN001"]["judged"] == drifted["compared"]
    assert judged["RUN002"]["judged"] >= 7
    assert judged["RUN003"]["judged"] >= 7
    for gate in ("RUN001", "RUN002", "RUN003"):
        found = judged[gate]
        assert (found["status"], found["level"], found["target"]) == (
            *("pass", "observed", "cluster"),
        ), found
        told = [finding["what"] for finding in found["findings"]]
        assert all(" has no " in what and gate == "RUN001" for what in told), told


async def test_a_purchase_goes_through_all_three_services_by_their_names(hello, offers):
    async with aiohttp.ClientSession() as session:
        ann = journeys.Buyer(session, offers.removesuffix("/offers"))
        offer = await ann.offer(SCANNER)
        assert offer["degraded"] == []  # stock and price are both in it
        bought = await ann.buy(SCANNER)
        assert bought.status in (201, 202), bought.data
        assert (await ann.ended(bought.data["id"]))["state"] == "confirmed"
        await ann.offer(SCANNER)
        async with session.get(f"{hello.url('pricing-service')}/metrics") as answer:
            lines = (await answer.text()).splitlines()
    hits = [line.split()[-1] for line in lines if HITS in line]
    assert [float(count) > 0 for count in hits] == [True]
    shown = json.loads(hello.there("edges", "--json").stdout)["edges"]
    used = {
        (edge["source"], edge["target"]): edge["requests"] for edge in shown if edge["requests"]
    }
    assert used.keys() >= {("api-gateway", name) for name in SERVICES[1:]}, shown
    asked = json.loads(hello.there("invariants", "--within", "30", "--json").stdout)
    assert asked
    assert all(one["holds"] for one in asked), asked


async def test_a_rolling_update_under_load_fails_no_request_and_all_are_counted(hello, offers):
    """By what its pods count themselves, the old ones and the new: so drills judge objectives."""
    system = load_system("systems/hello-dd/tarmac.yaml", lambda path: (ROOT / path).read_bytes())
    gateway = ["api-gateway"]
    with pod_metrics(hello.running(), gateway) as telemetry:
        await asyncio.to_thread(awaited.wait_read, telemetry, gateway)
        since = time.time()
        async with load(offers) as seen:
            await until(lambda: seen.answers.total() >= 20)
            live = await asyncio.to_thread(hello.there, "objectives", "--for", "1", "--json")
            await asyncio.to_thread(hello.there, "restart")
            await until(lambda: all(len(hello.pods(name)) == 1 for name in SERVICES), LONG_S)
        asked = running_system.counted, system, telemetry, ["api_gateway_availability"], since
        (counted,) = await asyncio.to_thread(*asked)
    availability, latency = json.loads(live.stdout)["objectives"]
    assert availability["since_ms"] > since * 1000
    assert min(one["live"]["counts"]["requests"] for one in (availability, latency)) > 0
    assert availability["live"]["counts"]["bad"] == 0
    print(f"{seen.answers.total()} requests during three rolling updates: {dict(seen.answers)}")
    assert not seen.failed
    print(f"{counted.counts.requests:.0f} of them were counted")
    # Without those that the old pod answered after its last reading.
    assert 0.5 * seen.answers.total() <= counted.counts.requests <= seen.answers.total()
    assert counted.counts.bad == 0


async def test_a_key_that_no_secret_has_stops_the_new_pod_and_the_one_before_serves(hello):
    removed = '[{"op": "remove", "path": "/data/redis-url"}]'
    hello.k("patch", "secret", "pricing-service-secrets", "--type=json", f"--patch={removed}")
    hello.k("rollout", "restart", "deployment/pricing-service")
    await waited(lambda: "CreateContainerConfigError" in waits_of(hello.pods("pricing-service")))
    assert hello.ready("pricing-service") == 1
    hello.deploy()  # makes it again of the part that is kept
    hello.rolled_out("deployment/pricing-service")


async def test_data_survives_the_pod_of_a_stateful_set_which_ends_at_once(hello):
    hello.psql("pricing-db", "CREATE TABLE kept AS SELECT 42 AS answer")
    (before,) = hello.pods("pricing-db")
    began = time.monotonic()
    hello.k("delete", "pod", "pricing-db-0")
    ended_s = time.monotonic() - began
    hello.rolled_out("statefulset/pricing-db")
    (after,) = hello.pods("pricing-db")
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert hello.psql("pricing-db", "SELECT answer FROM kept").strip() == "42"
    print(f"PostgreSQL ended in {ended_s:.1f} s")
    # Clients are connected: on the signal of pods it would wait for them, 30 s long.
    grace_s = before["spec"]["terminationGracePeriodSeconds"]
    assert ended_s < grace_s


@pytest.fixture(scope="module")
def replicated(hello: DeployedSystem) -> None:
    """Deploy three replicas of each service, with budgets.

    The gateway waits longer for both others than it does for users: on two cores, where three
    interpreters start while a node is emptied, a second would say how busy the machine is.
    """
    for name in ("inventory-service", "pricing-service"):
        hello.edit(f"{name}: {{timeout: 1s}}", f"{name}: {{timeout: 4s}}")
    hello.edit("  kind:\n", f"  kind:\n{REPLICAS}")
    done = hello.deploy()
    assert "PodDisruptionBudget api-gateway" in done.stdout
    hello.until(lambda: all(hello.ready(name) == 3 for name in SERVICES))


async def test_three_replicas_are_in_three_zones_and_share_the_requests(hello, replicated):
    assert sorted(hello.zones("pricing-service").values()) == [1, 1, 1]
    # Over a new connection each time: a Service shares connections, and not requests.
    async with load(f"{hello.url('pricing-service')}/prices/{SCANNER}") as seen:
        await until(lambda: seen.answers.total() >= 60)
    assert not seen.failed
    said = hello.there("logs", "pricing-service", "--last", "1000", "--json").stdout
    lines = map(json.loads, said.splitlines())
    asked = Counter(line["name"] for line in lines if "/prices" in line["text"])
    assert asked.keys() == {pod["metadata"]["name"] for pod in hello.pods("pricing-service")}


async def test_a_drain_keeps_to_the_budget_and_fails_no_request(hello, replicated, offers):
    """By a drill, which proves what was disturbed, judges, and leaves it as it was."""
    budget = hello.read("poddisruptionbudget", "api-gateway")
    assert budget["spec"]["minAvailable"] == 2
    drill = hello.folder / "drill.yaml"
    drill.write_text(DRILL)
    gateway = f"api-gateway={offers.removesuffix('/offers')}"
    least = dict.fromkeys(SERVICES, 3)
    # Of one service by itself: what the gateway makes of a slow answer is its own affair.
    async with load(f"{hello.url('pricing-service')}/prices/{SCANNER}") as seen:
        argv = ("drill", str(drill), "--url", gateway, "--json")
        run = asyncio.to_thread(hello.there, *argv, check=False)
        drained = asyncio.create_task(run)
        while not drained.done():
            for name in SERVICES:
                least[name] = min(least[name], await asyncio.to_thread(hello.ready, name))
        done = await drained
    assert done.returncode == 0, done.stdout + done.stderr
    journal = json.loads(done.stdout)
    assert (journal["verdict"], journal["target"]) == ("PASS", "cluster")
    killed, away, emptied = (c["measured"] for c in journal["checks"] if c["about"] == "fault")
    assert killed.startswith("SIGKILL ended cache (pod ")
    assert away.startswith("no process ran of cache")
    assert emptied.endswith("had to leave node3")
    hello.rolled_out("statefulset/cache")
    assert min(least.values()) >= 2, least
    assert not seen.failed
    assert not [pod for pod in hello.pods() if pod["spec"]["nodeName"] == "node3"]
    assert not hello.cluster.read("node", "node3")["spec"].get("unschedulable")


async def test_a_lost_node_costs_seconds_and_its_pods_come_up_elsewhere(
    hello, replicated, offers, third
):
    hello.k("cordon", "node1", "node2")  # zones are preferred: what is free may count for more
    try:
        hello.k("scale", "deployment/api-gateway", "--replicas=4")
        await waited(lambda: hello.zones("api-gateway")["kind-c"] >= 1)
    finally:
        hello.k("uncordon", "node1", "node2")
    cluster = hello.cluster
    async with load(offers, limit_s=2) as seen:
        await until(lambda: seen.answers.total() >= 20)
        cluster.cut_off(third)
        try:
            unready_s = await waited(lambda: not is_ready(cluster, third))
            elsewhere_s = await waited(lambda: on_others(hello, "api-gateway") >= 4)
            during = dict(seen.answers)
            seen.answers.clear()
            await until(lambda: seen.answers.total() >= 20)
            after = dict(seen.answers)
        finally:
            cluster.connect(third)
    await waited(lambda: is_ready(cluster, third))
    print(f"not ready after {unready_s:.0f} s, four replicas elsewhere {elsewhere_s:.0f} s later")
    print(f"answers meanwhile {during}, afterwards {after}")
    assert set(after) == {200}


def test_what_has_drifted_is_told_and_put_right_and_what_is_not_rendered_goes(hello, replicated):
    hello.edit(REPLICAS, "")
    assert len(hello.read("poddisruptionbudgets")["items"]) == 3
    hello.k("delete", "networkpolicy", "cache")
    drifted = hello.tarmac("drift", "--env", "kind", check=False)
    assert drifted.returncode == 1
    assert "  + NetworkPolicy cache" in drifted.stdout
    assert "  - PodDisruptionBudget api-gateway" in drifted.stdout
    judged = observed(hello, "--phase", "kubernetes")["RUN001"]
    assert judged["status"] == "fail"
    told = [f"{finding['where']}: {finding['what']}" for finding in judged["findings"]]
    assert [line for line in told if "NetworkPolicy cache is not in " in line], told
    assert [line for line in told if "PodDisruptionBudget api-gateway is in " in line], told
    refused = hello.deploy("--prune", check=False)
    assert refused.returncode == 2
    assert "  - PodDisruptionBudget api-gateway" in refused.stdout
    assert "add --yes to confirm" in refused.stderr
    hello.deploy("--prune", "--yes")
    assert hello.read("poddisruptionbudgets,horizontalpodautoscalers")["items"] == []
    assert len(hello.read("persistentvolumeclaims")["items"]) == 4
    assert hello.tarmac("drift", "--env", "kind").returncode == 0


def test_an_image_that_is_not_there_is_told_and_the_release_before_comes_back(hello):
    with hello.configured("    images: {pricing-service: no-such-tag}\n"):
        done = hello.deploy("--rollback-on-failure", "--timeout", "10", check=False)
    assert done.returncode == 1
    assert "image hello-dd/pricing-service:no-such-tag cannot be had" in done.stdout
    assert "the release before runs again" in done.stdout
    assert "0 added, 0 changed" in hello.deploy("--plan").stdout
