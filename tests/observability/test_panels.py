"""Dashboards, rules and the catalogue of signals, held against what a running shop really exports.

A Prometheus scrapes the shop each second while customers buy, look around, ask for what is not
there, and two services are killed, until each rule was evaluated on that. Then every query of every
panel must have an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from journeys import journeys_of
from rendered import ROOT, artifacts_of, plan_of
from scraped import Prometheus, exported, rule_files, scraping, series_of, targets

from tarmac.base import signals
from tarmac.base.report import Skip
from tarmac.check.gates.views import programs
from tarmac.testing import System, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

#: Every target is scraped so often at least, and each of the two killed at least once.
SCRAPES = 24
#: Who is scraped here. Others are a cluster's: their panels are named below.
HERE = {"kit", "prometheus"}
#: Panels that nothing here can fill; all others must draw.
NOT_HERE = {
    "CPU by container",
    "Connections",
    "Deployments in a day",
    "Free disk space",
    "Memory by container",
    "Messages in flight",
    "Pods: desired and available",
    "Restarts",
    "Syncs in a day",
    "Throttled CPU periods",
    "Waiting messages",
    "Waiting pods",
}
_NAME = re.compile(r"[\w:]+")
PLAN, ARTIFACTS = plan_of("shop", "production"), artifacts_of("shop", "production")


@dataclass(frozen=True)
class Watched:
    """The shop after its load, and who watched it."""

    prometheus: Prometheus
    exported: dict[str, dict[str, Any]]


def panels() -> list[tuple[str, str, str]]:
    """List each panel's queries: dashboard, title, query."""
    return [
        (artifact.path.rpartition("/")[2], panel["title"], target["expr"])
        for artifact in ARTIFACTS
        if artifact.path.startswith("observability/dashboards/")
        for panel in json.loads(str(artifact.content))["panels"]
        for target in panel.get("targets", ())
    ]


def exporters(query: str) -> set[str]:
    """Say whose series a query asks for, by itself or by a rule that records them."""
    recorded = [rule for rule in _rules() if rule.get("record") in _NAME.findall(query)]
    exprs = [query, *(record["expr"] for record in recorded)]
    return {signals.read()[name].exporter for expr in exprs for name in series_of(expr)}


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    try:
        program = programs.find("prometheus")
    except Skip as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("prometheus")
    with running(ROOT / "systems/shop/tarmac.yaml", name="panels") as shop:
        found = targets(PLAN, shop)
        with scraping(program, folder, PLAN, found, rule_files(ARTIFACTS)) as prometheus:
            asyncio.run(load(shop, prometheus))
            end = time.monotonic() + 60
            shop.wait()
            # What was killed last has been read again.
            since = f"min(up) == 1 and min(timestamp(up)) > {time.time()}"
            while not prometheus.ask(since):
                assert time.monotonic() < end
                time.sleep(0.2)
            yield Watched(prometheus, exported(PLAN, shop))


CALLS_REPEATED = 'sum(client_requests_total{service="api-gateway",outcome=~"5xx|error"})'


def failures_seen() -> str:
    """Write a query: the highest share of failed requests that its panel has drawn."""
    failed = [q for d, t, q in panels() if (d, t) == ("slo-overview.json", "5xx error rate")]
    return f"max_over_time(({failed[0].replace('$__rate_interval', '1m')})[10m:5s])"


async def load(shop: System, prometheus: Prometheus) -> None:
    """Use the shop until it was scraped often enough."""
    jobs = "|".join(service.name for service in PLAN.services)
    scrapes = f'min(count_over_time(up{{job=~"{jobs}"}}[10m])) >= {SCRAPES}'
    # Objectives' rules are evaluated each half minute: twice, so that some of it is of the load.
    recorded = "min(count_over_time(slo:error_budget:remaining[10m])) >= 2"
    over = asyncio.Event()
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
        group.create_task(_buy(session, shop.url("api-gateway"), over))
        group.create_task(_look(session, shop, over))
        group.create_task(_break(shop, over))
        end = time.monotonic() + 240
        # What is back at once fails no request: it goes on until one failed, and was counted.
        for wanted in (scrapes, recorded, f"{failures_seen()} > 0", f"{CALLS_REPEATED} > 0"):
            while not await asyncio.to_thread(prometheus.ask, wanted):
                assert time.monotonic() < end, "Prometheus does not get to its scrapes"
                await asyncio.sleep(0.5)
        over.set()


async def _buy(session: aiohttp.ClientSession, gateway: str, over: asyncio.Event) -> None:
    shopper = journeys_of("shop").Shopper(session, gateway)
    assert (await shopper.sign_up()).status == 201
    kettle = await shopper.find("kettle")
    tokens = ("tok_ok", "tok_declined")
    number = 0
    while not over.is_set():
        number += 1
        # What was killed may be away for some seconds; the next customer finds it again.
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, KeyError):
            await shopper.ask("GET", "/api/orders/00000000-0000-0000-0000-000000000000")
            placed = await shopper.order(kettle["id"], payment_token=tokens[number % 2])
            if placed.status in (201, 202):
                await shopper.ended(placed.data["id"], within_s=10)
        await asyncio.sleep(0.3)


async def _look(session: aiohttp.ClientSession, shop: System, over: asyncio.Event) -> None:
    pages = shop.url("storefront")
    found = f"{shop.url('api-gateway')}/api/products?q=kettle"
    async with session.get(found) as answer:
        one = (await answer.json())["items"][0]["id"]
    product = f"{shop.url('api-gateway')}/api/products/{one}"
    urls = (*(f"{pages}{path}" for path in ("/", "/?q=lamp", "/cart", "/nowhere")), found, product)
    while not over.is_set():
        for url in urls:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(url) as answer:
                    await answer.read()
        await asyncio.sleep(0.3)


async def _break(shop: System, over: asyncio.Event) -> None:
    """Kill two services again and again, so that requests end with 5xx and are repeated."""
    while not over.is_set():
        for name in ("product-service", "order-service"):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), 8)
            await asyncio.to_thread(shop.kill, name)


def test_every_target_is_up(watched):
    # One that was killed the moment before may be away at this scrape: at most a tenth of them is.
    assert watched.prometheus.ask("avg by (job) (avg_over_time(up[2m])) < 0.8") == []
    assert len(watched.prometheus.ask("up")) == len(PLAN.services)


def test_every_panel_has_data(watched):
    recorded = {rule["record"] for rule in _rules() if "record" in rule}
    asked, empty, elsewhere = 0, [], set()
    for dashboard, title, query in panels():
        if exporters(query) - HERE:
            elsewhere.add(title)
            continue
        if "slo:" in query and not recorded:
            continue
        asked += 1
        if not watched.prometheus.ask(query):
            empty.append(f"{dashboard}: {title}: {query}")
    assert asked > 100
    assert "\n".join(empty) == ""
    assert elsewhere == NOT_HERE


def test_the_overview_of_objectives_draws_its_five_panels(watched):
    if not any("record" in rule for rule in _rules()):
        pytest.skip("no renderer makes recording rules here")
    own = [panel for panel in panels() if panel[0] == "slo-overview.json"]
    assert len({title for _, title, _ in own}) == 5
    assert {title: watched.prometheus.ask(query) != [] for _, title, query in own} == dict.fromkeys(
        (title for _, title, _ in own), True
    )


def test_what_went_wrong_is_seen(watched):
    """The load's 5xx and repeated calls are there: nought everywhere would also be data."""
    assert watched.prometheus.ask(failures_seen())[0] > 0
    assert watched.prometheus.ask(CALLS_REPEATED)[0] > 0


def test_every_rule_evaluates(watched):
    groups = watched.prometheus.get("rules")["groups"]
    if not _rules():
        pytest.skip("no renderer makes rules here")
    wrong = [
        f"{rule['name']}: {rule.get('lastError')}"
        for group in groups
        for rule in group["rules"]
        if rule["health"] == "err"
    ]
    assert wrong == []
    made = [group["name"] for data in rule_files(ARTIFACTS).values() for group in data["groups"]]
    assert sorted(group["name"] for group in groups) == sorted(made)


def test_the_catalogue_says_what_the_shop_exports(watched):
    assert {"http_requests_total", "client_requests_total", "outbox_waiting"} <= {*watched.exported}
    compare(watched.exported)


async def _sell(system: System) -> None:
    async with aiohttp.ClientSession() as session:
        buyer = journeys_of("hello-dd").Buyer(session, system.url("api-gateway"))
        offers = (await buyer.ask("GET", "/offers?limit=5")).data["offers"]
        sold = await buyer.buy(offers[0]["product_id"])
        assert sold.status in (201, 202), sold
        await buyer.ended(sold.data["id"])


async def _book(system: System) -> None:
    async with aiohttp.ClientSession() as session:
        traveller = journeys_of("travel").Traveller(session, system.url("entry", "api"))
        assert (await traveller.sign_up()).status == 201
        trips = (await traveller.ask("GET", "/products")).data["items"]
        await traveller.put(trips[0]["id"])
        booked = await traveller.check_out()
        assert booked.status in (201, 202), booked
        await traveller.ended(booked.data["id"])


@pytest.mark.parametrize(
    ("system", "environment", "journey", "metric"),
    [
        ("hello-dd", "production", _sell, "job_runs_total"),
        ("travel", "prod", _book, "capture_published_total"),
    ],
)
def test_the_catalogue_says_what_other_parts_export(system, environment, journey, metric):
    plan = plan_of(system, environment)
    with running(ROOT / f"systems/{system}/tarmac.yaml", name=f"signals-{system}") as here:
        asyncio.run(journey(here))
        found = exported(plan, here)
    assert metric in found
    compare(found)
    known = {signal.name: signal for signal in signals.read().values()}
    for name in found:
        parts = {f"tarmac_{part}" for part in known[name].parts}
        having = {service.name for service in plan.services if parts & {*service.parts}}
        assert not parts or found[name]["by"] <= having, name


def compare(found: dict[str, dict[str, Any]]) -> None:
    """Hold what services export against the catalogue: names, types, labels and buckets."""
    known = {
        signal.name: signal
        for signal in signals.read().values()
        if signal.exporter in ("kit", "prometheus")
    }
    targets = {"job", "instance", "namespace", "pod", "container", "endpoint", "le"}
    wrong = [f"{name} is not in signals.yaml" for name in found.keys() - known.keys()]
    for name in found.keys() & known.keys():
        says, is_ = known[name], found[name]
        own = frozenset(says.labels - targets)
        if is_["labels"] != {own}:
            wrong.append(f"{name} has labels {is_['labels']}, the catalogue {sorted(own)}")
        if is_["type"] != says.type:
            wrong.append(f"{name} is a {is_['type']}, the catalogue says {says.type}")
        if tuple(sorted(is_["buckets"])) != says.buckets:
            wrong.append(f"{name} has buckets {sorted(is_['buckets'])}")
    assert sorted(wrong) == []


def _rules() -> list[dict[str, Any]]:
    files = rule_files(ARTIFACTS).values()
    return [rule for data in files for group in data["groups"] for rule in group["rules"]]
