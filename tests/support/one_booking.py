"""One booking in travel, by whose trace it is found in stores of metrics, traces and logs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
from journeys import journeys_of

CALLER = "b7ad6b7169203331"
#: The services that a booking crosses, over calls and events.
CROSSED = {"cart", "catalog", "orders", "payments", "notifications"}
#: The request that it begins with, as it is counted.
COUNTED = 'http_requests_total{service="cart",route="/cart/checkout",status="201"}'


async def booked(session: aiohttp.ClientSession, api: str, within_s: float = 60.0) -> str:
    """Book a trip, and wait until it is confirmed; returns the booking's trace."""
    trace = uuid.uuid4().hex
    tess = journeys_of("travel").Traveller(session, api)
    while (await tess.sign_up()).status == 504:  # a hash took too long on a busy machine
        pass
    await tess.put((await tess.find("walk"))["id"])
    headers = {"Idempotency-Key": trace, "traceparent": f"00-{trace}-{CALLER}-01"}
    body = {"payment_token": "tok_ok"}
    answer = await tess.ask("POST", "/cart/checkout", body, headers=headers)
    assert answer.status == 201
    assert (await tess.ended(answer.data["id"], within_s))["status"] == "confirmed"
    return trace


def agree(spans: Mapping[str, Sequence[dict[str, Any]]], lines: Sequence[dict[str, Any]]) -> None:
    """Assert that a trace and its lines tell the same of the request that it begins with."""
    [entry] = [s for s in spans["cart"] if s["tags"].get("http.route") == "/cart/checkout"]
    assert {line["service"] for line in lines} == CROSSED
    [answered] = [line for line in lines if (line["service"], line["event"]) == ("cart", "request")]
    assert (answered["route"], answered["status"]) == ("/cart/checkout", "201")
    assert entry["tags"]["http.response.status_code"] == 201
    assert entry["spanID"] == answered["span_id"]
