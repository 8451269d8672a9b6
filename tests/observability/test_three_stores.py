"""One booking in travel, found in a store of metrics, one of traces and one of logs.

Prometheus is itself; what stands for Tempo, Loki and Alloy is in `signal_stores`.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import signal_stores
from journeys import journeys_of
from rendered import ROOT, plan_of
from scraped import Prometheus, scraping, targets
from signal_stores import Stores

from tarmac.base.report import Skip
from tarmac.check.gates.views import programs
from tarmac.testing import System, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

CALLER = "b7ad6b7169203331"
PLAN = plan_of("travel", "prod")
#: Whom a booking crosses, over calls and events.
CROSSED = {"cart", "catalog", "orders", "payments", "notifications"}


@dataclass(frozen=True)
class Watched:
    """travel, and who keeps its signals."""

    travel: System
    prometheus: Prometheus
    stores: Stores


@pytest.fixture(scope="module")
def watched(tmp_path_factory) -> Iterator[Watched]:
    try:
        program = programs.find("prometheus")
    except Skip as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("stores")
    with (
        signal_stores.stores(folder, "travel", "prod") as stores,
        pytest.MonkeyPatch.context() as m,
    ):
        m.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", stores.spans_to)
        with (
            running(ROOT / "systems/travel/tarmac.yaml", name="stores") as travel,
            signal_stores.reading(folder, travel.home.logs, stores),
            scraping(program, folder, PLAN, targets(PLAN, travel), {}) as prometheus,
        ):
            yield Watched(travel, prometheus, stores)


async def until(look: Callable[[], Any], within_s: float = 90) -> Any:
    """Look until there is something, and return it."""
    end = time.monotonic() + within_s
    while not (found := await asyncio.to_thread(look)):
        assert time.monotonic() < end, "it never came"
        await asyncio.sleep(0.3)
    return found


async def test_one_booking_is_found_in_metrics_traces_and_logs(watched: Watched):
    trace = uuid.uuid4().hex
    counted = 'http_requests_total{service="cart",route="/cart/checkout",status="201"}'
    before = watched.prometheus.ask(f"sum({counted})")
    async with aiohttp.ClientSession() as session:
        tess = journeys_of("travel").Traveller(session, watched.travel.url("entry", "api"))
        await tess.sign_up()
        await tess.put((await tess.find("walk"))["id"])
        headers = {"Idempotency-Key": trace, "traceparent": f"00-{trace}-{CALLER}-01"}
        body = {"payment_token": "tok_ok"}
        booked = await tess.ask("POST", "/cart/checkout", body, headers=headers)
        assert booked.status == 201
        assert (await tess.ended(booked.data["id"]))["status"] == "confirmed"

    def traced() -> dict[str, list[dict[str, Any]]]:
        found = watched.stores.services_of(trace)
        return found if found.keys() >= CROSSED else {}

    spans = await until(traced)
    assert spans.keys() == CROSSED
    [entry] = [s for s in spans["cart"] if s["tags"].get("http.route") == "/cart/checkout"]

    def logged() -> list[dict[str, Any]]:
        found = watched.stores.lines(f'trace_id:="{trace}"')
        return found if {line.get("service") for line in found} >= CROSSED else []

    lines = await until(logged)
    assert {line["service"] for line in lines} == CROSSED
    [answered] = [line for line in lines if (line["service"], line["event"]) == ("cart", "request")]
    # The three agree on what was asked, and what came of it.
    assert (answered["route"], answered["status"]) == ("/cart/checkout", "201")
    assert entry["tags"]["http.response.status_code"] == 201
    assert entry["spanID"] == answered["span_id"]
    found = await until(lambda: watched.prometheus.ask(f"sum({counted})"))
    assert (before, found) == ([], [1.0])


async def test_the_lines_of_every_process_are_in_one_store_and_outlive_its_restart(
    watched: Watched,
):
    wanted = {
        f"{node.name}.log"
        for node in watched.travel.nodes()
        if watched.travel.logs(node.name).strip()
    }
    assert len(wanted) > len(PLAN.services)
    by_file = '* | stats by ("log.file.name") count() lines'

    def kept() -> dict[str, int]:
        rows = watched.stores.lines(by_file)
        found = {row["log.file.name"]: int(row["lines"]) for row in rows}
        return found if found.keys() >= wanted else {}

    before = await until(kept)
    watched.stores.logs.end()
    watched.stores.logs.start()
    after = await until(kept)
    assert all(after[name] >= before[name] for name in wanted)
