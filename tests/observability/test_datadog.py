"""hello-dd under Datadog's own library, and what its services send as rendered, at a test agent.

The same running services are asked whether they have what the rendered dashboard and monitors ask
of Datadog.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import aiohttp
import pytest
from datadog_agent import DatadogAgent, datadog_agent, instrumented
from journeys import journeys_of
from rendered import artifacts_of, plan_of
from scraped import exported

from tarmac.model.conventions import SPANS_OF, SPANS_TO
from tarmac.render.observability.charts.datadog import space
from tarmac.testing import System, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PLAN = plan_of("hello-dd", "production")
SERVICES = {service.name for service in PLAN.services}
#: The library's integrations that made spans of a purchase, in Python without a line for it.
INTEGRATIONS = {"fastapi", "aiohttp_client", "aiohttp", "asyncpg"}
#: A question: how it is summed up, the metric, what it is narrowed to, what it is split by.
QUERY = re.compile(r"(\w+):hello_dd\.([\w.]+)\{([^}]*)\}(?: by \{([^}]*)\})?")
#: Tags that the agent puts on everything that it reads in a pod.
OF_AGENT = {"env", "service", "pod_name"}
#: What OpenMetrics' types become (docs.datadoghq.com/integrations/guide/prometheus-metrics).
SUFFIX = {"counter": ".count"}


@pytest.fixture(scope="module")
def agent(tmp_path_factory) -> Iterator[DatadogAgent]:
    with datadog_agent(tmp_path_factory.mktemp("agent") / "agent.log") as started:
        yield started


@pytest.fixture(scope="module")
def hello(agent, tmp_path_factory) -> Iterator[System]:
    """Bring hello-dd up, with the rendered environment's own variables for spans."""
    given = {name: PLAN.services[0].env[name].value[0] for name in (SPANS_TO, SPANS_OF)}
    own = {**given, SPANS_TO: agent.otlp, "OTEL_BSP_SCHEDULE_DELAY": "500"}
    file = instrumented("hello-dd", tmp_path_factory.mktemp("systems"), agent, own)
    with running(file, name="datadog") as system:
        yield system


@pytest.fixture
async def ben(hello) -> AsyncIterator[Any]:
    async with aiohttp.ClientSession() as session:
        yield journeys_of("hello-dd").Buyer(session, hello.url("api-gateway"))


async def until(look: Callable[[], Any], within_s: float = 60) -> Any:
    """Look until there is something, and return it."""
    end = time.monotonic() + within_s
    while not (found := await asyncio.to_thread(look)):
        assert time.monotonic() < end, "it never came"
        await asyncio.sleep(0.3)
    return found


def entry_of(traces: list[list[dict[str, Any]]], known: set[int]) -> int:
    """Return the trace of a purchase that is not known yet; 0 without one."""
    spans = (span for chunk in traces for span in chunk)
    bought = {span["trace_id"] for span in spans if span["resource"] == "POST /purchases"}
    return next(iter(bought - known), 0)


def whole(agent: DatadogAgent, trace: int) -> dict[int, dict[str, Any]]:
    """Return a trace's spans by their ids once all services have sent theirs; nothing before."""
    spans = (span for chunk in agent.traces() for span in chunk if span["trace_id"] == trace)
    found = {span["span_id"]: span for span in spans}
    parents = {span["parent_id"] for span in found.values()}
    there = {span["service"] for span in found.values()} >= SERVICES
    return found if there and len(parents - found.keys()) == 1 else {}


def asked_by(spans: dict[int, dict[str, Any]], span: dict[str, Any]) -> str:
    """Return the service behind the call that a span answers."""
    return str(spans[span["parent_id"]]["service"]) if span["parent_id"] in spans else ""


async def test_a_purchase_is_one_trace_of_datadogs_library_through_all_three(hello, agent, ben):
    tape = (await ben.find("packing tape"))["product_id"]
    known = {entry_of(agent.traces(), set())}
    assert (await ben.buy(tape, 1)).data["state"] == "confirmed"
    trace = await until(lambda: entry_of(agent.traces(), known))
    spans = await until(lambda: whole(agent, trace))
    requests = [span for span in spans.values() if span["name"] == "fastapi.request"]
    assert {(span["service"], span["resource"], asked_by(spans, span)) for span in requests} == {
        ("api-gateway", "POST /purchases", ""),
        ("pricing-service", "POST /quotes", "api-gateway"),
        ("pricing-service", "POST /quotes/{quote_id}/accept", "api-gateway"),
        ("inventory-service", "PUT /reservations/{order_id}", "api-gateway"),
        ("inventory-service", "POST /reservations/{order_id}/commit", "api-gateway"),
    }
    assert {span["meta"].get("component") for span in spans.values()} - {None} == INTEGRATIONS
    assert not any(span["error"] for span in spans.values())
    # The library writes its own id into each call: the kit behind it goes on under that.

    def kits() -> bool:
        senders = {
            sender["service.name"]
            for sender, span in agent.received_by_otlp()
            if int(span["traceId"][16:], 16) == trace
        }
        return senders == SERVICES - {"api-gateway"}

    assert await until(kits)


async def test_what_the_kit_sends_as_rendered_reaches_the_agent_under_the_same_id(
    hello, agent, ben
):
    tape = (await ben.find("packing tape"))["product_id"]
    trace = uuid.uuid4().hex
    body = {"customer": "ben", "lines": [{"product_id": tape, "quantity": 1}], "tier": None}
    sent = {"Idempotency-Key": trace, "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    assert (await ben.ask("POST", "/purchases", body, sent)).data["state"] == "confirmed"

    def of_the_kit() -> list[dict[str, str]]:
        every = agent.received_by_otlp()
        senders = [sender for sender, span in every if span["traceId"] == trace]
        return senders if {sender["service.name"] for sender in senders} == SERVICES else []

    for sender in await until(of_the_kit):
        assert sender["service.namespace"] == "hello-dd"
        assert sender["deployment.environment.name"] == "production"
    # Datadog's ids are the last 64 bits.
    assert await until(lambda: whole(agent, int(trace[16:], 16)))
    await until(lambda: all(trace in hello.logs(service) for service in SERVICES))


def queries() -> Iterator[tuple[str, str]]:
    """Yield each query of the dashboard and the monitors, with the title above it."""
    for artifact in artifacts_of("hello-dd", "production"):
        if not re.fullmatch(r"observability/datadog/[\w-]+\.json", artifact.path):
            continue
        found = json.loads(str(artifact.content))
        if "query" in found:
            yield found["name"], found["query"]
        for group in found.get("widgets", ()):
            for widget in group["definition"]["widgets"]:
                for request in widget["definition"]["requests"]:
                    title = f"{group['definition']['title']}: {widget['definition']['title']}"
                    yield from ((title, query["query"]) for query in request["queries"])


async def test_each_query_for_datadog_is_about_what_the_running_services_export(hello, ben):
    tape = (await ben.find("packing tape"))["product_id"]
    assert (await ben.buy(tape, 1)).data["state"] == "confirmed"
    there = {}
    for name, family in exported(PLAN, hello).items():
        tags = {label for labels in family["labels"] for label in labels}
        shown = name.removesuffix("_total") + SUFFIX.get(family["type"], "")
        there[shown] = (family["type"], tags, family["by"])
    wrong, counted = [], 0
    assert space(PLAN) == "hello_dd"
    for title, query in queries():
        asked = QUERY.findall(query)
        assert asked, f"{title} asks nothing that is read here: {query}"
        for how, metric, narrowed, split in asked:
            counted += 1
            kind, tags, by = there.get(metric, ("", set(), set()))
            narrowing = [word.lstrip("!$") for word in narrowed.split(",")]
            keys = {word.partition(":")[0] for word in narrowing} | {
                *filter(None, split.split(","))
            }
            service = next(word for word in narrowing if word.startswith("service:"))
            if service.partition(":")[2] not in by:
                wrong.append((title, f"{metric} is not exported there"))
            if not keys <= tags | OF_AGENT:
                wrong.append((title, f"{metric} has no {keys - tags - OF_AGENT}"))
            # A distribution alone has percentiles.
            if bool(re.fullmatch(r"p\d+", how)) != (kind == "histogram"):
                wrong.append((title, f"{how} of a {kind}"))
    assert wrong == []
    assert counted > 20
