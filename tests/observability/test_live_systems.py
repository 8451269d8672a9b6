"""A system's alerts while a database is slow and while it is away, in a real Prometheus.

The whole system runs, a user asks for orders all the time, and the faults are those of `tarmac
drill`. All times in the rendered rules are divided by 200 (tests/support/hastened.py).
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp
import pytest
from hastened import SCRAPE_S, faster, rules
from journeys import journeys_of
from rendered import ROOT, plan_of
from scraped import Prometheus, scraping, targets

from tarmac.base.report import Skip
from tarmac.catalog.faults.fault import Fault
from tarmac.catalog.faults.latency import FAULT as LATENCY
from tarmac.catalog.faults.outage import FAULT as OUTAGE
from tarmac.check.gates.views import programs
from tarmac.run.local.supervisor.local_target import local_target
from tarmac.testing import System, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FOLDER = "k8s/monitoring"
RULES = ("prometheusrule-slo.yaml", "prometheusrule-alerts.yaml")
#: Added in each direction; 95 % of order-service's answers are promised within 200 ms.
DELAY_S = 0.3
#: A condition that has not come by then never will: the longest takes an hour of the rules', 18 s.
WITHIN_S = 90
#: The alerts on a lost database, by their labels.
LOST = ('StoreDown",service="orders-db', 'StoreDisconnected",service="order-service')


@dataclass(frozen=True)
class Watched:
    """A system that runs, who watches it, and what its users do."""

    name: str
    system: System
    prometheus: Prometheus
    #: The public service, a class of the system's journeys, and where its users find their orders.
    entry: str
    person: str
    orders: str
    #: The alert on slow answers, by its labels, and the objective that it watches.
    slow: str
    objective: str


SYSTEMS = {
    "starter": (
        *("entry", "Person", "/orders"),
        'ErrorBudgetBurn",objective="order_service_latency",long_window="1h',
        "order_service_latency",
    ),
    "shop": ("api-gateway", "Shopper", "/api/orders", "HighLatency", "api_latency"),
}


@dataclass
class Users:
    """What users met: the seconds of each good answer, by when it came."""

    answers: list[tuple[float, float]] = field(default_factory=list)

    def median_s(self, since: float) -> float:
        """Return the median of the answers that came since a moment."""
        return statistics.median(took_s for at, took_s in self.answers if at >= since)


@pytest.fixture(scope="module", params=SYSTEMS)
def watched(request, tmp_path_factory):
    try:
        program = programs.find("prometheus")
    except Skip as missing:
        pytest.skip(str(missing))
    name = request.param
    plan = plan_of(name, "production")
    evaluated = {file: rules(name, "production", f"{FOLDER}/{file}") for file in RULES}
    with running(ROOT / f"systems/{name}/tarmac.yaml", name="alerted") as system:
        found, every = targets(plan, system), faster(f"{SCRAPE_S}s")
        folder = tmp_path_factory.mktemp("prometheus")
        with scraping(program, folder, plan, found, evaluated, every) as prometheus:
            yield Watched(name, system, prometheus, *SYSTEMS[name])


@asynccontextmanager
async def used(watched: Watched) -> AsyncIterator[Users]:
    """Have a user ask for orders all the time, some ten times a second."""
    users = Users()

    async def ask_all_the_time(person) -> None:
        while True:
            began = time.monotonic()
            with suppress(aiohttp.ClientError):
                if (await person.ask("GET", watched.orders)).status == 200:
                    users.answers.append((time.time(), time.monotonic() - began))
            await asyncio.sleep(0.1)

    async with aiohttp.ClientSession() as session:
        user = getattr(journeys_of(watched.name), watched.person)
        person = user(session, watched.system.url(watched.entry))
        assert (await person.sign_up()).status == 201
        asking = asyncio.create_task(ask_all_the_time(person))
        try:
            yield users
            assert not asking.done()
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)


async def until(holds: Callable[[], object], what: object) -> None:
    end = time.monotonic() + WITHIN_S
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < end, what
        await asyncio.sleep(0.05)


async def fires(prometheus: Prometheus, alert: str) -> None:
    query = f'ALERTS{{alertname="{alert}",alertstate="firing"}}'
    await until(lambda: prometheus.ask(query), query)


async def clears(prometheus: Prometheus, alert: str) -> None:
    query = f'absent(ALERTS{{alertname="{alert}",alertstate="firing"}})'
    await until(lambda: prometheus.ask(query), query)


async def silent(watched: Watched, *alerts: str) -> None:
    """Wait until the rules were evaluated and none of these fires."""
    recorded, prometheus = f"slo:{watched.objective}:ratio_rate5m", watched.prometheus
    await until(lambda: prometheus.ask(recorded), recorded)
    for alert in alerts:
        await clears(prometheus, alert)


def step(fault: Fault, **said: str):
    return fault.step.model_validate({"fault": fault.id, **said})


async def test_a_slow_database_fires_the_latency_alert_and_its_end_clears_it(watched):
    """CHA-04, OBS-09: measured latency rises by the delay, and nobody has to do anything."""
    system, prometheus = watched.system, watched.prometheus
    with local_target(system.home) as target:
        async with used(watched) as users:
            await silent(watched, watched.slow)
            before_s = users.median_s(0)
            delay = step(LATENCY, on="order-service -> orders-db", delay=f"{DELAY_S}s")
            with LATENCY.inject(target, delay) as witness:
                since = time.time() + 2 * DELAY_S + before_s
                await fires(prometheus, watched.slow)
                assert witness().present
                # A question and its answer each take longer by it, and a route may ask twice.
                assert users.median_s(since) >= before_s + DELAY_S
            await clears(prometheus, watched.slow)
            after = time.time() + 2 * DELAY_S + before_s
            await until(lambda: any(at > after for at, _ in users.answers), "no answer")
            assert users.median_s(after) < before_s + DELAY_S


async def test_a_lost_database_fires_both_alerts_and_its_return_clears_them(watched):
    """OBS-16: what services say of their stores, where the server really is away."""
    system, prometheus = watched.system, watched.prometheus
    with local_target(system.home) as target:
        async with used(watched) as users:
            await silent(watched, *LOST)
            with OUTAGE.inject(target, step(OUTAGE, on="orders-db")) as witness:
                for alert in LOST:
                    await fires(prometheus, alert)
                assert witness().present
            for alert in LOST:
                await clears(prometheus, alert)
            back = time.time()
            await until(lambda: any(at > back for at, _ in users.answers), "no answer")
    await asyncio.to_thread(system.wait)
    held = await asyncio.to_thread(system.invariants)
    assert [found for found in held if not found.holds] == []
