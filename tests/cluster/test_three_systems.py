"""starter, trading and travel on three nodes, one after another: each sells through its entry.

On stand-ins for the public images (`standins.STAND_IN`, `store_images`). cert-manager issues the
certificates of their rendered Ingresses, by an authority of the tests, and Traefik serves them.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import aiohttp
import cluster_issuing
import cluster_usage
import kube_trees
import pytest
from cluster import Cluster
from cluster_entry import MOVED, Entry, routes
from deployed import DeployedSystem, load
from purchase import LONG_S, Purchase, in_starter, in_trading, in_travel
from waiting import until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]


@dataclass(frozen=True)
class Facts:
    """What is a system's own."""

    services: frozenset[str]
    stores: frozenset[str]
    #: What is asked under load, and which service answers.
    asked: tuple[str, str]
    buy: Callable[[aiohttp.ClientSession, Entry], Awaitable[Purchase]]
    #: How its purchase ends.
    ends: str
    least_invariants: int


FACTS = {
    "starter": Facts(
        frozenset({"user-service", "order-service"}),
        frozenset({"users-db", "orders-db"}),
        ("user-service", "/.well-known/jwks.json"),
        in_starter,
        "confirmed",
        3,
    ),
    "trading": Facts(
        frozenset({"web-ui", "api-gateway", "portfolio-service", "market-service", "user-service"}),
        frozenset({"portfolio-db", "market-db", "users-db"}),
        ("market-service", "/market/instruments"),
        in_trading,
        "filled",
        9,
    ),
    "travel": Facts(
        frozenset(
            {
                *("frontend", "auth", "catalog", "cart", "orders", "payments", "notifications"),
                *("orders-cdc", "payments-cdc"),
            }
        ),
        frozenset(
            {"auth-db", "catalog-db", "cart-db", "orders-db", "payments-db", "broker", "mail"}
        ),
        ("catalog", "/products?limit=10"),
        in_travel,
        "confirmed",
        8,
    ),
}


@pytest.fixture(scope="module")
def facts(alone: DeployedSystem) -> Facts:
    """Give what is the system's own."""
    return FACTS[alone.system]


def held(system: DeployedSystem, facts: Facts) -> list[dict[str, Any]]:
    """Ask the system's invariants, once no request is under way."""
    asked = json.loads(system.there("invariants", "--within", "60", "--json").stdout)
    assert len(asked) >= facts.least_invariants
    verdicts: list[dict[str, Any]] = asked
    return verdicts


def test_every_workload_is_ready_and_no_container_was_restarted(alone, facts):
    shown = json.loads(alone.there("ps", "--json").stdout)
    assert shown["healthy"]
    deployed = {one["metadata"]["name"]: one for one in alone.read("deployments")["items"]}
    kept = {one["metadata"]["name"]: one for one in alone.read("statefulsets")["items"]}
    assert deployed.keys() | kept.keys() == facts.services | facts.stores
    for name, one in (deployed | kept).items():
        assert one["status"]["readyReplicas"] == one["status"]["replicas"] >= 1, name
    for pod in alone.pods():
        restarts = [one["restartCount"] for one in pod["status"]["containerStatuses"]]
        assert restarts == [0] * len(restarts), pod["metadata"]["name"]


def test_a_second_deployment_changes_nothing_and_nothing_has_drifted(alone):
    assert "0 added, 0 changed" in alone.deploy("--plan").stdout
    drifted = json.loads(alone.tarmac("drift", "--env", "kind", "--json").stdout)
    assert [drifted[what] for what in ("missing", "changed", "extra")] == [[], [], []]


async def test_a_purchase_over_https_goes_through_all_services_and_survives_its_stores_pods(
    alone, facts, entry
):
    async with entry.asking() as session:
        again = await facts.buy(session, entry)
        assert await again() == facts.ends
        verdicts = await asyncio.to_thread(held, alone, facts)
        assert all(one["holds"] for one in verdicts), verdicts
        kept = sorted(facts.stores)
        before = {pod["metadata"]["uid"] for name in kept for pod in alone.pods(name)}
        pods = (f"{name}-0" for name in kept)
        await asyncio.to_thread(alone.k, "delete", "pod", *pods, "--wait=false")

        def replaced() -> bool:
            after = {pod["metadata"]["uid"] for name in kept for pod in alone.pods(name)}
            return not before & after and all(alone.ready(name) for name in kept)

        await asyncio.to_thread(alone.until, replaced, 400)
        for name in facts.services:  # each has found its stores again
            await until(lambda name=name: asyncio.to_thread(alone.ready, name), LONG_S)
        assert await again() == facts.ends
        assert await (await facts.buy(session, entry))() == facts.ends
    verdicts = await asyncio.to_thread(held, alone, facts)
    assert all(one["holds"] for one in verdicts), verdicts


async def test_every_public_path_is_answered_over_https_by_its_service_and_unchanged(alone, entry):
    assert await entry.unchanged() == 2 * len(routes(alone.system))


async def test_plain_http_is_sent_to_https_and_old_protocols_are_refused(alone, entry):
    async with entry.asking() as session:
        for host, path, _ in routes(alone.system):
            url = entry.url(host, path, scheme="http")
            async with session.get(url, allow_redirects=False) as answer:
                assert answer.status in MOVED
                assert answer.headers["Location"] == f"https://{host}{path}"
    for host in {host for host, _, _ in routes(alone.system)}:
        assert entry.spoken(host) == [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


async def test_a_certificate_that_is_due_is_issued_again_and_served(alone, entry):
    hosts = {host for host, _, _ in routes(alone.system)}
    before = {host: entry.certificate(host) for host in hosts}
    cluster_issuing.renew(alone)
    alone.until(lambda: all(entry.certificate(host) != before[host] for host in hosts), LONG_S)
    async with entry.asking() as session:
        for host, path, _ in routes(alone.system):
            async with session.get(entry.url(host, path)) as answer:
                assert answer.status != 502  # it is trusted, and leads where it did


async def test_another_image_under_load_fails_no_request(alone, facts):
    service, path = facts.asked
    before = {pod["metadata"]["uid"] for pod in alone.pods(service)}
    alone.edit("  kind:\n", f"  kind:\n    images: {{{service}: next}}\n")
    async with load(f"{alone.url(service)}{path}") as seen:
        await until(lambda: seen.answers.total() >= 20)
        await asyncio.to_thread(alone.deploy)
        await until(
            lambda: not before & {pod["metadata"]["uid"] for pod in alone.pods(service)}, LONG_S
        )
        enough = seen.answers.total() + 20
        await until(lambda: seen.answers.total() >= enough)
    (pod,) = alone.pods(service)
    assert pod["spec"]["containers"][0]["image"].endswith(":next")
    assert not seen.failed, dict(seen.answers)


#: Of a system: a store, the service that is not ready without it, and one that is wedged meanwhile.
PROBED = {
    "starter": ("users-db", "user-service", "order-service"),
    "trading": ("users-db", "user-service", "market-service"),
    "travel": ("auth-db", "auth", "catalog"),
}


async def test_probes_take_one_pod_out_of_service_and_restart_another(alone):
    """One without its database gets no requests and stays; one that is wedged is restarted."""
    store, starved, wedged = PROBED[alone.system]
    restarts = alone.restarts(starved), alone.restarts(wedged)
    (pod,) = alone.pods(wedged)
    alone.send(pod, "-STOP")
    alone.k("scale", f"statefulset/{store}", "--replicas=0")
    await until(lambda: asyncio.to_thread(lambda: alone.ready(starved) == 0), LONG_S)
    await until(
        lambda: asyncio.to_thread(lambda: alone.restarts(wedged) == restarts[1] + 1), LONG_S
    )
    assert alone.ready(starved) == 0
    alone.k("scale", f"statefulset/{store}", "--replicas=1")
    for name in (starved, wedged):
        await until(lambda name=name: asyncio.to_thread(lambda: alone.ready(name) == 1), LONG_S)
    assert alone.restarts(starved) == restarts[0]


#: Of what a pod asks for. An idle one takes about half of its memory: so three become two, and two
#: never one, since an autoscaler divides what all take by what one may.
SCALED = "    replicas: {min: 2, max: 3, cpu: 70, memory: 80}\n"


def read_by(system: DeployedSystem, service: str) -> dict[str, int]:
    """Return what an autoscaler reads of its pods, in percent of what they ask for."""
    status = system.read("horizontalpodautoscaler", service)["status"]
    return {
        one["resource"]["name"]: one["resource"]["current"]["averageUtilization"]
        for one in status.get("currentMetrics") or ()
        if "averageUtilization" in one.get("resource", {}).get("current", {})
    }


async def test_autoscalers_read_processors_and_memory_add_a_pod_under_load_and_take_it_after(
    alone, facts, metered
):
    service, path = facts.asked

    def replicas() -> int:
        return int(alone.read("deployment", service)["spec"]["replicas"])

    with alone.configured(SCALED):
        alone.deploy()
        read = {}
        scaled = [
            one["metadata"]["name"] for one in alone.read("horizontalpodautoscalers")["items"]
        ]
        assert {service} <= set(scaled) <= facts.services  # what reads a log of changes runs once
        for name in scaled:
            await until(
                lambda name=name: asyncio.to_thread(lambda: len(read_by(alone, name)) == 2), LONG_S
            )
            read[name] = read_by(alone, name)
        print(f"{alone.system}: {read}")
        assert max(one["memory"] for one in read.values()) < 80
        url = f"{alone.url(service)}{path}"
        async with aiohttp.ClientSession() as session, cluster_usage.busy(session, url):
            await until(
                lambda: asyncio.to_thread(lambda: replicas() == alone.ready(service) == 3), LONG_S
            )
        cluster_usage.take_at_once(alone, service)
        await until(lambda: asyncio.to_thread(lambda: replicas() == 2), LONG_S)
    alone.deploy("--prune", "--yes")


def helm(system: DeployedSystem, service: str, *argv: str) -> subprocess.CompletedProcess[str]:
    """Deploy a service by its chart, as the rendered pipelines do."""
    values = f"charts/values/{service}.yaml"
    return subprocess.run(
        ["helm", "upgrade", "--install", service, "charts/service", "--values", values,
         f"--namespace={system.namespace}", "--wait", "--atomic", *argv],
        cwd=system.folder / "tree",
        env=system.env(),
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )  # fmt: skip


@pytest.fixture
def monitors(nodes: Cluster) -> Iterator[None]:
    """Have the kind ServiceMonitor, of which the chart has an object."""
    kind = kube_trees.definitions()["monitoring.coreos.com", "ServiceMonitor"]
    nodes.apply([kind])
    name = f"customresourcedefinition/{kind['metadata']['name']}"
    nodes.kubectl("wait", name, "--for=condition=Established", "--timeout=60s")
    yield
    nodes.kubectl("delete", name)


async def test_helm_installs_each_service_and_takes_a_failed_upgrade_back(
    alone, facts, entry, monitors
):
    if "packaging: [helm]\n    secrets: script" not in alone.file.read_text():
        alone.edit("    secrets: script\n", "    packaging: [helm]\n    secrets: script\n")
    alone.tarmac("render", "--env", "kind", "--out", str(alone.folder / "tree"))
    services = sorted(facts.services)
    alone.k("delete", "deployment", *services)
    with ThreadPoolExecutor(3) as pool:  # what is there of them beside pods is the chart's now
        for done in pool.map(
            lambda name: helm(alone, name, "--take-ownership", "--timeout=400s"), services
        ):
            assert done.returncode == 0, f"{done.stdout}{done.stderr}{alone.told()}"
    for name in services:
        assert (
            alone.read("deployment", name)["metadata"]["annotations"]["meta.helm.sh/release-name"]
            == name
        )
    async with entry.asking() as session:
        assert await (await facts.buy(session, entry))() == facts.ends
    service, path = facts.asked
    async with load(f"{alone.url(service)}{path}") as seen:
        await until(lambda: seen.answers.total() >= 20)
        failed = await asyncio.to_thread(
            helm, alone, service, "--set=image.tag=no-such-tag", "--timeout=20s"
        )
        enough = seen.answers.total() + 20
        await until(lambda: seen.answers.total() >= enough)
    assert failed.returncode == 1
    assert "has been rolled back due to atomic being set" in failed.stderr
    assert not seen.failed, dict(seen.answers)
    alone.until(lambda: not any("no-such-tag" in image for image in images(alone, service)))
    assert images(alone, service)


def images(system: DeployedSystem, service: str) -> list[str]:
    """List the images of a service's pods."""
    return [pod["spec"]["containers"][0]["image"] for pod in system.pods(service)]
