"""The shop's own alerts on a service that really fails and is really slow, in a real Prometheus.

All times in the rendered rules are divided by 200 (tests/support/hastened.py).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import aiohttp
import pytest
import uvicorn
from fastapi import APIRouter
from free_ports import free_port
from hastened import FASTER, SCRAPE_S, faster, rules
from rendered import plan_of
from scraped import Prometheus, Target, scraping
from starlette.responses import JSONResponse

from tarmac.base.report import Skip
from tarmac.check.gates.views import programs
from tarmac_kit import Chassis, Part, create_app

pytestmark = pytest.mark.timeout(120)

#: The rules of all objectives, as the operator gets them.
RULES = "k8s/monitoring/prometheusrule-slo.yaml"
SERVICE = "api-gateway"
#: Of the requests that are asked all the time: the shop allows 0.1 % failed and 5 % slow.
FAILING, SLOW = 0.1, 0.25
#: The shop promises 200 ms.
SLOW_S = 0.3
#: A condition that has not come by then never will: the longest takes an hour of the rules', 18 s.
WITHIN_S = 60
OWN = {"SLOBurnRateHigh", "ErrorBudgetExhausted", "HighLatency"}


@dataclass
class Trouble:
    """What the service does wrong now: shares of its answers."""

    failing: float = 0.0
    slow: float = 0.0


@dataclass(frozen=True)
class Watched:
    """The service, who asks it and who watches it."""

    trouble: Trouble
    prometheus: Prometheus
    #: By status.
    answered: dict[int, int]

    async def until(self, *conditions: str) -> None:
        """Wait until each of these has an answer."""
        end = time.monotonic() + WITHIN_S
        for condition in conditions:
            while not await asyncio.to_thread(self.prometheus.ask, condition):
                assert time.monotonic() < end, (condition, await self.firing(), self.answered)
                await asyncio.sleep(0.05)

    async def firing(self) -> set[str]:
        """List the shop's own alerts that fire now."""
        found = await asyncio.to_thread(self.prometheus.get, "alerts")
        names = {
            alert["labels"]["alertname"] for alert in found["alerts"] if alert["state"] == "firing"
        }
        return names & OWN

    def first(self, alert: str, state: str) -> float:
        """Say when an evaluation first left an alert in a state, by the server's clock."""
        series = f'ALERTS{{alertname="{alert}",alertstate="{state}"}}[10m]'
        found = self.prometheus.get("query", query=series)["result"]
        return min(at for row in found for at, _ in row["values"])


def fires(alert: str) -> str:
    return f'ALERTS{{alertname="{alert}",alertstate="firing"}}'


def over(alert: str) -> str:
    return f"absent({fires(alert)})"


def service(trouble: Trouble):
    """Make a service of the kit with one route, which does as it is told."""

    def mount(chassis: Chassis) -> None:
        router = APIRouter()

        @router.get("/orders")
        async def orders() -> JSONResponse:
            if random.random() < trouble.slow:
                await asyncio.sleep(SLOW_S)
            failed = random.random() < trouble.failing
            return JSONResponse({"items": []}, 503 if failed else 200)

        chassis.include(router)

    return create_app([Part("orders", mount)], {"SERVICE_NAME": SERVICE, "LOG_LEVEL": "critical"})


async def ask(url: str, answered: dict[int, int]) -> None:
    """Ask one after the other, some eighty a second, until it is cancelled."""
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(url) as answer:
                await answer.read()
                answered[answer.status] = answered.get(answer.status, 0) + 1
            await asyncio.sleep(0.01)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def prometheus(port: int, tmp_path) -> Iterator[Prometheus]:
    try:
        program = programs.find("prometheus")
    except Skip as missing:
        pytest.skip(str(missing))
    plan, every = plan_of("shop", "production"), faster(f"{SCRAPE_S}s")
    found = [Target(SERVICE, port)]
    with scraping(
        program, tmp_path, plan, found, {"slo": rules("shop", "production", RULES)}, every
    ) as server:
        yield server


@pytest.fixture
async def watched(port: int, prometheus: Prometheus):
    trouble, answered = Trouble(), {}
    config = uvicorn.Config(
        service(trouble).edge, host="127.0.0.1", port=port, ws="none", log_config=None
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done()
        await asyncio.sleep(0.01)
    url = f"http://127.0.0.1:{port}/orders"
    asking = [asyncio.create_task(ask(url, answered)) for _ in range(4)]
    try:
        yield Watched(trouble, prometheus, answered)
        assert not any(task.done() for task in asking)
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        server.should_exit = True
        await serving


async def test_failures_and_delays_fire_the_shops_alerts_and_their_end_clears_them(watched):
    """OBS-07, OBS-08, OBS-09, with what nobody is told of in between."""
    trouble = watched.trouble
    # A machine that has much to do may be slow now and then, as any; nothing of it fails.
    healthy = ["slo:api_availability:ratio_rate5m == 1", "slo:api_latency:ratio_rate5m >= 0.95"]
    await watched.until(*healthy)
    assert await watched.firing() == set()

    trouble.failing = FAILING
    await watched.until(fires("SLOBurnRateHigh"), fires("ErrorBudgetExhausted"))
    assert await watched.firing() == {"SLOBurnRateHigh", "ErrorBudgetExhausted"}
    trouble.failing = 0
    await watched.until(over("SLOBurnRateHigh"), healthy[0])
    # What is gone of an hour's budget stays gone until the hour is over.
    assert await watched.firing() == {"ErrorBudgetExhausted"}

    trouble.slow = SLOW
    slow_since = time.time()
    await watched.until(fires("HighLatency"))
    assert "SLOBurnRateHigh" not in await watched.firing()
    trouble.slow = 0
    await watched.until(over("HighLatency"), over("ErrorBudgetExhausted"), *healthy)
    assert await watched.firing() == set()

    assert watched.first("HighLatency", "pending") >= slow_since
    assert watched.answered.keys() == {200, 503}
    for alert, minutes in (
        ("SLOBurnRateHigh", 5),
        ("ErrorBudgetExhausted", 10),
        ("HighLatency", 5),
    ):
        waited_s = watched.first(alert, "firing") - watched.first(alert, "pending")
        # Two evaluations' times are kept in milliseconds.
        assert waited_s >= minutes * 60 / FASTER - 0.001
