"""One request of a user is one trace, over every service that it crossed, in three systems."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from collecting import Collector, Span, collecting
from journeys import journeys_of

from tarmac.testing import System, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

SYSTEMS = Path(__file__).parents[2] / "systems"
CALLER = "b7ad6b7169203331"


async def check_out(shop: System, session: aiohttp.ClientSession, sent: dict[str, str]):
    """Buy something in the shop; say what no span may have."""
    ann = journeys_of("shop").Shopper(session, shop.url("api-gateway"))
    await ann.sign_up()
    product = await ann.find("kettle")
    body = {"items": [{"product_id": product["id"], "quantity": 1}], "payment_token": "tok_ok"}
    headers = {"Idempotency-Key": uuid.uuid4().hex, **sent}
    placed = await ann.ask("POST", "/api/orders", body, headers=headers)
    assert (await ann.ended(placed.data["id"]))["status"] == "confirmed"
    return ann.email, ann.password, ann.token, placed.data["id"], "tok_ok"


async def book(travel: System, session: aiohttp.ClientSession, sent: dict[str, str]):
    """Book a trip; events come from the log of changes."""
    tess = journeys_of("travel").Traveller(session, travel.url("entry", "api"))
    await tess.sign_up()
    await tess.put((await tess.find("walk"))["id"])
    headers = {"Idempotency-Key": uuid.uuid4().hex, **sent}
    body = {"payment_token": "tok_ok"}
    booked = await tess.ask("POST", "/cart/checkout", body, headers=headers)
    assert (await tess.ended(booked.data["id"]))["status"] == "confirmed"
    return tess.email, tess.password, tess.token, booked.data["id"], "tok_ok"


async def look(starter: System, session: aiohttp.ClientSession, sent: dict[str, str]):
    """Read one's own orders, which another service has."""
    ann = journeys_of("starter").Person(session, starter.url("entry"))
    await ann.sign_up()
    await ann.order("Espresso cup")
    page = await ann.ask("GET", f"/users/{ann.id}/orders?limit=100", headers=sent)
    assert len(page.data["items"]) == 1
    return ann.email, ann.key, ann.token, ann.id, "limit=100"


@dataclass(frozen=True)
class Crossing:
    """A request: who makes it, the last span of it, and the services on the way to that."""

    system: str
    make: Callable[..., Awaitable[tuple[str, ...]]]
    last: str
    way: tuple[str, ...]
    #: Those that are asked on the way, and answer.
    beside: tuple[str, ...] = ()


CROSSINGS = (
    Crossing(
        "shop",
        check_out,
        "process order.confirmed",
        (
            *("api-gateway", "order-service", "payment-service", "order-service"),
            "notification-service",
        ),
        ("product-service",),
    ),
    Crossing(
        "travel",
        book,
        "process order.confirmed",
        ("cart", "orders", "payments", "orders", "notifications"),
        ("catalog",),
    ),
    Crossing("starter", look, "GET /orders", ("user-service", "order-service")),
)


async def trace_of(collector: Collector, trace_id: str, wanted: set[str], within_s: float = 40.0):
    """Wait until each service has sent what it has of a trace; each does in its own time."""
    ends_at = time.monotonic() + within_s
    while True:
        found = [span for span in list(collector.spans) if span.trace_id == trace_id]
        by_id = {span.span_id: span for span in found}
        whole = all(span.parent_id in by_id or span.parent_id == CALLER for span in found)
        if whole and {span.service for span in found} >= wanted:
            return by_id
        assert time.monotonic() < ends_at, sorted((span.service, span.name) for span in found)
        await asyncio.sleep(0.1)


def way_to(spans: dict[str, Span], last: Span) -> tuple[str, ...]:
    """List the services on the way to a span, each once in a row."""
    found = [last.service]
    while last.parent_id in spans:
        last = spans[last.parent_id]
        if last.service != found[0]:
            found.insert(0, last.service)
    return tuple(found)


@pytest.mark.parametrize("crossing", CROSSINGS, ids=lambda case: case.system)
async def test_a_request_is_one_trace_over_all_services_that_it_crossed(
    crossing, session, monkeypatch
):
    file = SYSTEMS / crossing.system / "tarmac.yaml"
    trace_id = uuid.uuid4().hex
    wanted = {*crossing.way, *crossing.beside}
    with collecting() as collector:
        # As its developer would: set in the shell from which the system is brought up.
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        with running(file, name=f"spans-{os.getpid()}") as system:
            sent = {"traceparent": f"00-{trace_id}-{CALLER}-01"}
            private = await crossing.make(system, session, sent)
            spans = await trace_of(collector, trace_id, wanted)
    assert {span.service for span in spans.values()} == wanted
    (entry,) = [span for span in spans.values() if span.parent_id == CALLER]
    assert (entry.service, entry.kind) == (crossing.way[0], "server")
    last = next(span for span in spans.values() if span.name == crossing.last)
    assert way_to(spans, last) == crossing.way
    assert not any(span.failed for span in spans.values())
    bodies = "".join(collector.bodies)
    assert [text for text in (*private, "insert into") if text in bodies] == []
