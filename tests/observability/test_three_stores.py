"""One booking in travel, found in a store of metrics, one of traces and one of logs.

Prometheus is itself; what stands for Tempo, Loki and Alloy is in `signal_stores`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import signal_stores
from one_booking import COUNTED, CROSSED, agree, booked
from rendered import ROOT, plan_of
from scraped import Prometheus, scraping, targets
from signal_stores import Stores

from tarmac.base.report import Skip
from tarmac.check.gates.views import programs
from tarmac.testing import System, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

PLAN = plan_of("travel", "prod")


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
    before = watched.prometheus.ask(f"sum({COUNTED})")
    async with aiohttp.ClientSession() as session:
        trace = await booked(session, watched.travel.url("entry", "api"))

    def traced() -> dict[str, list[dict[str, Any]]]:
        found = watched.stores.services_of(trace)
        return found if found.keys() >= CROSSED else {}

    spans = await until(traced)
    assert spans.keys() == CROSSED

    def logged() -> list[dict[str, Any]]:
        found = watched.stores.lines(f'trace_id:="{trace}"')
        return found if {line.get("service") for line in found} >= CROSSED else []

    agree(spans, await until(logged))
    found = await until(lambda: watched.prometheus.ask(f"sum({COUNTED})"))
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
