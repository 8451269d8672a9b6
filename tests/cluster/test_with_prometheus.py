"""The shop's monitors and rules, as an operator gives them to a Prometheus in the cluster.

On stand-ins for the public images (`standins.STAND_IN`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import aiohttp
import cluster_prometheus
import pytest
import store_images
from cluster import Cluster
from cluster_prometheus import WHERE, Watched
from deployed import DeployedSystem
from journeys import journeys_of
from purchase import LONG_S
from waiting import until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

journeys = journeys_of("shop")
SPACE = "shop-watched"
#: What it asks of the tests' cluster beside the model's own.
WATCHED = f"""\
    namespace: {SPACE}
    observability: {{notify: {{critical: slack}}}}
"""
POD = "prometheus-kube-prometheus-stack-prometheus-0"
LOST, USER = "products-db", "product-service"


@pytest.fixture(scope="module", params=["shop"])
def watched(
    nodes: Cluster, docker, pulled, lacking, authority, request, tmp_path_factory
) -> Iterator[Watched]:
    """Deploy it beside an operator that has started a Prometheus and an Alertmanager."""
    found = cluster_prometheus.programs()
    if found is None:
        pytest.skip(cluster_prometheus.GET)
    store_images.require(pulled[request.param], lacking)
    folder = tmp_path_factory.mktemp("watched")
    system = DeployedSystem.lay_out(nodes, request.param, folder, namespace=SPACE)
    system.edit("    secrets: script\n", f"    secrets: script\n{WATCHED}")
    made = cluster_prometheus.install(system, found, docker, tmp_path_factory.mktemp("programs"))
    print(system.deploy().stdout.splitlines()[-1])
    system.sow()
    yield made
    nodes.kubectl("delete", "namespace", SPACE, "--wait=false")


def targets(watched: Watched) -> dict[str, list[dict[str, Any]]]:
    """List what is scraped, by the monitor that selects it."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in watched.prometheus().get("targets", state="active")["activeTargets"]:
        kind, space, name, _ = one["scrapePool"].split("/")
        if (kind, space) == ("serviceMonitor", SPACE):
            found.setdefault(name, []).append(one)
    return found


def test_every_monitor_selects_pods_and_all_of_them_are_up(watched: Watched):
    rendered = {one["metadata"]["name"] for one in watched.system.rendered("ServiceMonitor")}
    services = {one["metadata"]["name"] for one in watched.system.rendered("Deployment")}
    assert rendered > services

    def all_up() -> bool:
        found = targets(watched)
        states = {one["health"] for listed in found.values() for one in listed}
        return found.keys() == rendered and states == {"up"}

    watched.system.until(all_up)


def test_every_rule_is_loaded_and_evaluates(watched: Watched):
    wanted = {
        group["name"]
        for one in watched.system.rendered("PrometheusRule")
        for group in one["spec"]["groups"]
    }
    assert len(wanted) > 5

    def groups() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = watched.prometheus().get("rules")["groups"]
        return found

    watched.system.until(lambda: wanted <= {group["name"] for group in groups()})
    watched.system.until(
        lambda: all(rule["health"] != "unknown" for group in groups() for rule in group["rules"])
    )
    wrong = [rule for group in groups() for rule in group["rules"] if rule["health"] != "ok"]
    assert wrong == []


async def signed_up(shopper: journeys.Shopper) -> bool:
    """Sign up, where a hash takes long on a busy machine and pods are taken away meanwhile."""
    with contextlib.suppress(aiohttp.ClientError):
        return (await shopper.sign_up()).status < 500
    return False


async def test_the_five_panels_of_objectives_draw_under_load(watched: Watched):
    panels = watched.queries("slo-overview.json")
    assert len(panels) == 5
    gateway = watched.system.url("api-gateway")
    prometheus = watched.prometheus()

    def drawn() -> dict[str, bool]:
        return {
            title: all(prometheus.ask(query) for query in queries)
            for title, queries in panels.items()
        }

    async with aiohttp.ClientSession() as session:
        ann = journeys.Shopper(session, gateway)
        await until(lambda: signed_up(ann), LONG_S)
        end = time.monotonic() + 240
        while not all((found := await asyncio.to_thread(drawn)).values()):
            assert time.monotonic() < end, found
            kettle = (await ann.find("kettle"))["id"]
            await ann.order(kettle, 1)
            await ann.ask("GET", "/api/products/no-such")
            await asyncio.sleep(1)


def alerts(watched: Watched) -> list[dict[str, Any]]:
    """List what Alertmanager was told of the namespace."""
    address = f"{watched.alertmanager()}/api/v2/alerts"
    with urllib.request.urlopen(address, timeout=30) as answer:
        found: list[dict[str, Any]] = json.load(answer)
    return [one for one in found if one["labels"].get("namespace") == SPACE]


def test_a_lost_database_is_told_of_and_what_follows_from_it_is_not(watched: Watched):
    system = watched.system
    system.k("scale", f"statefulset/{LOST}", "--replicas=0")
    try:

        def told() -> list[dict[str, Any]]:
            named = {"alertname": "StoreDown", "service": LOST}
            return [one for one in alerts(watched) if named.items() <= one["labels"].items()]

        system.until(lambda: bool(told()), within_s=300)
        (alert,) = told()
        assert [one["name"] for one in alert["receivers"]] == ["critical-slack"]
        assert alert["status"]["state"] == "active"
        of_user = [one for one in alerts(watched) if one["labels"].get("service") == USER]
        assert all(one["status"]["inhibitedBy"] for one in of_user)
    finally:
        system.k("scale", f"statefulset/{LOST}", "--replicas=1")
    firing = f'count(ALERTS{{alertname="StoreDown",service="{LOST}",alertstate="firing"}})'
    system.until(lambda: not watched.prometheus().ask(firing), within_s=200)


def test_prometheus_keeps_what_it_has_when_its_pod_is_replaced(watched: Watched):
    cluster = watched.system.cluster
    began = f"count_over_time(up{{job='{USER}'}}[30m])"
    counted = watched.prometheus().ask(f"min({began})")[0]
    pod = cluster.read("pod", POD, WHERE)["metadata"]["uid"]
    cluster.kubectl("delete", "pod", POD, WHERE)
    cluster.kubectl("rollout", "status", f"statefulset/{POD.removesuffix('-0')}", WHERE)
    assert cluster.read("pod", POD, WHERE)["metadata"]["uid"] != pod
    watched.system.until(lambda: bool(watched.prometheus().ask("up")))
    assert watched.prometheus().ask(f"min({began})")[0] >= counted
