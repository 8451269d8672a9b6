"""hello-dd on three nodes, as `tarmac deploy` puts it there: it runs, sells, and survives.

On stand-ins for the public images (`standins.STAND_IN`). The tests share one deployment, and leave
it as they found it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import kube_images
import pytest
from cluster import Cluster
from cluster_node import Node
from deployed import DeployedSystem, load
from journeys import journeys_of
from waiting import until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]

journeys = journeys_of("hello-dd")
ZONE = "topology.kubernetes.io/zone"
#: What a test waits for at most, on a machine that is busy with others.
LONG_S = 150.0
SCANNER = "0de110dd-0000-4000-8000-000000000002"
HITS = 'cache_operations_total{operation="get",result="hit"'
SERVICES = ("api-gateway", "inventory-service", "pricing-service")


@pytest.fixture(scope="module")
def hello(nodes: Cluster, docker, images, tmp_path_factory) -> Iterator[DeployedSystem]:
    """Deploy it; the third node, which tests take away, has none of its stores."""
    folder = tmp_path_factory.mktemp("hello-dd")
    tags = kube_images.of(images, "hello-dd", "kind")
    file = kube_images.save(docker, tags, folder / "images.tar")
    nodes.load(file)
    file.unlink()
    system = DeployedSystem.lay_out(nodes, "hello-dd", folder)
    nodes.kubectl("cordon", "node3")
    done = system.deploy()
    print(done.stdout.splitlines()[-1])
    nodes.kubectl("uncordon", "node3")
    system.sow()
    yield system
    nodes.kubectl("delete", "namespace", system.namespace, "--wait=false")


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


def restarts(hello: DeployedSystem, service: str) -> int:
    """Count how often the containers of a service were started again."""
    found = [pod["status"]["containerStatuses"][0] for pod in hello.pods(service)]
    return sum(status["restartCount"] for status in found)


def waits_of(pods: list[dict[str, Any]]) -> set[str]:
    """Say what containers of pods wait for."""
    return {
        status.get("state", {}).get("waiting", {}).get("reason", "")
        for pod in pods
        for status in pod["status"].get("containerStatuses", ())
    }


def processes_of(hello: DeployedSystem, pod: dict[str, Any], signal: str) -> None:
    """Send a signal to what runs in a pod's container, as its node's own user."""
    node = next(n for n in hello.cluster.nodes if n.name == pod["spec"]["nodeName"])
    container = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
    listed = node.machine.run("ctr", "--namespace", "k8s.io", "tasks", "ls").splitlines()
    pid = next(line.split()[1] for line in listed if line.startswith(container))
    node.machine.run("kill", signal, pid)


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


def zones_of(hello: DeployedSystem, service: str) -> Counter[str]:
    """Count the running pods of a service by the zone of their node."""
    labels = {
        node["metadata"]["name"]: node["metadata"]["labels"]
        for node in hello.cluster.read("nodes")["items"]
    }
    return Counter(
        labels[pod["spec"]["nodeName"]][ZONE]
        for pod in hello.pods(service)
        if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
    )


def test_every_workload_is_ready_and_no_pod_has_failed_on_the_way(hello: DeployedSystem):
    workloads = hello.read("deployments,statefulsets")["items"]
    assert len(workloads) == 7
    assert all(found["status"]["readyReplicas"] == 1 for found in workloads)
    for pod in hello.pods():
        assert pod["status"]["phase"] in ("Running", "Succeeded"), pod["metadata"]["name"]
        for status in pod["status"]["containerStatuses"]:
            assert status["restartCount"] == 0, pod["metadata"]["name"]


def test_a_second_deployment_changes_nothing(hello: DeployedSystem):
    done = hello.deploy("--plan")
    assert "0 added, 0 changed" in done.stdout


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


async def test_three_replicas_are_in_three_zones_and_share_the_requests(hello, offers):
    hello.k("scale", "deployment/pricing-service", "--replicas=3")
    hello.rolled_out("deployment/pricing-service")
    try:
        assert sorted(zones_of(hello, "pricing-service").values()) == [1, 1, 1]
        # Over a new connection each time: a Service shares connections, and not requests.
        async with load(f"{hello.url('pricing-service')}/prices/{SCANNER}") as seen:
            await until(lambda: seen.answers.total() >= 60)
        assert not seen.failed
        logs = [hello.k("logs", pod["metadata"]["name"]) for pod in hello.pods("pricing-service")]
        asked = [log.count("/prices") for log in logs]
        assert min(asked) > 0, asked
    finally:
        hello.k("scale", "deployment/pricing-service", "--replicas=1")
        hello.rolled_out("deployment/pricing-service")


async def test_a_rolling_update_under_load_fails_no_request(hello, offers):
    async with load(offers) as seen:
        await until(lambda: seen.answers.total() >= 20)
        for service in ("pricing-service", "inventory-service", "api-gateway"):
            hello.k("rollout", "restart", f"deployment/{service}")
        for service in ("pricing-service", "inventory-service", "api-gateway"):
            await asyncio.to_thread(hello.rolled_out, f"deployment/{service}")
        await until(lambda: all(len(hello.pods(name)) == 1 for name in SERVICES), LONG_S)
    print(f"{seen.answers.total()} requests during three rolling updates: {dict(seen.answers)}")
    assert not seen.failed


async def test_probes_take_one_pod_out_of_service_and_restart_another(hello):
    """One without its database gets no requests and stays; one that is wedged is restarted."""
    (before,) = hello.pods("inventory-service")
    (wedged,) = hello.pods("pricing-service")
    hello.k("scale", "statefulset/inventory-db", "--replicas=0")
    processes_of(hello, wedged, "-STOP")
    try:
        out_s, restarted_s = await asyncio.gather(
            waited(lambda: hello.ready("inventory-service") == 0),
            waited(lambda: restarts(hello, "pricing-service") == 1),
        )
    finally:
        hello.k("scale", "statefulset/inventory-db", "--replicas=1")
    back_s = await waited(lambda: all(hello.ready(name) == 1 for name in SERVICES))
    print(f"out of service {out_s:.0f} s after its database went, all back {back_s:.0f} s after it")
    print(f"restarted {restarted_s:.0f} s after it was wedged")
    (after,) = hello.pods("inventory-service")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["status"]["containerStatuses"][0]["restartCount"] == 0


async def test_a_killed_process_is_started_again(hello):
    (pod,) = hello.pods("api-gateway")
    processes_of(hello, pod, "-KILL")
    await waited(lambda: restarts(hello, "api-gateway") == 1)
    took_s = await waited(lambda: hello.ready("api-gateway") == 1)
    print(f"ready again {took_s:.0f} s after it was killed")


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


async def test_a_drain_keeps_to_the_budget_and_fails_no_request(hello):
    hello.edit("  kind:\n", "  kind:\n    replicas: {min: 3, max: 4, cpu: 70, available: 2}\n")
    try:
        done = hello.deploy()
        assert "PodDisruptionBudget api-gateway" in done.stdout
        await waited(lambda: all(hello.ready(name) == 3 for name in SERVICES))
        budget = hello.read("poddisruptionbudget", "api-gateway")
        assert budget["spec"]["minAvailable"] == 2
        least = dict.fromkeys(SERVICES, 3)
        # Of one service by itself: what the gateway makes of a slow answer is its own affair.
        async with load(f"{hello.url('pricing-service')}/prices/{SCANNER}") as seen:
            drain = ("drain", "node3", "--ignore-daemonsets", "--delete-emptydir-data")
            drained = asyncio.create_task(asyncio.to_thread(hello.cluster.kubectl, *drain))
            while not drained.done():
                for name in SERVICES:
                    least[name] = min(least[name], await asyncio.to_thread(hello.ready, name))
            await drained
        assert min(least.values()) >= 2, least
        assert not seen.failed
        assert not [pod for pod in hello.pods() if pod["spec"]["nodeName"] == "node3"]
    finally:
        hello.cluster.kubectl("uncordon", "node3")


async def test_a_lost_node_costs_seconds_and_its_pods_come_up_elsewhere(hello, offers, third):
    hello.k("rollout", "restart", "deployment/api-gateway")  # back onto all three nodes
    hello.rolled_out("deployment/api-gateway")
    await waited(lambda: zones_of(hello, "api-gateway")["kind-c"] >= 1)
    cluster = hello.cluster
    async with load(offers, limit_s=2) as seen:
        await until(lambda: seen.answers.total() >= 20)
        cluster.cut_off(third)
        try:
            unready_s = await waited(lambda: not is_ready(cluster, third))
            elsewhere_s = await waited(lambda: on_others(hello, "api-gateway") >= 3)
            during = dict(seen.answers)
            seen.answers.clear()
            await until(lambda: seen.answers.total() >= 20)
            after = dict(seen.answers)
        finally:
            cluster.connect(third)
    await waited(lambda: is_ready(cluster, third))
    print(f"not ready after {unready_s:.0f} s, three replicas elsewhere {elsewhere_s:.0f} s later")
    print(f"answers meanwhile {during}, afterwards {after}")
    assert set(after) == {200}


def test_what_is_no_longer_rendered_goes_when_it_is_asked_for(hello: DeployedSystem):
    hello.edit("    replicas: {min: 3, max: 4, cpu: 70, available: 2}\n", "")
    assert len(hello.read("poddisruptionbudgets")["items"]) == 3
    refused = hello.deploy("--prune", check=False)
    assert refused.returncode == 2
    assert "  - PodDisruptionBudget api-gateway" in refused.stdout
    assert "add --yes if that is right" in refused.stderr
    hello.deploy("--prune", "--yes")
    assert hello.read("poddisruptionbudgets,horizontalpodautoscalers")["items"] == []
    assert len(hello.read("persistentvolumeclaims")["items"]) == 4


def test_an_image_that_is_not_there_is_told_and_the_release_before_comes_back(hello):
    hello.edit("  kind:\n", "  kind:\n    images: {pricing-service: no-such-tag}\n")
    done = hello.deploy("--rollback-on-failure", "--timeout", "20", check=False)
    hello.edit("    images: {pricing-service: no-such-tag}\n", "")
    assert done.returncode == 1
    assert "image hello-dd/pricing-service:no-such-tag cannot be had" in done.stdout
    assert "the release before runs again" in done.stdout
    assert "0 added, 0 changed" in hello.deploy("--plan").stdout
