"""Travel, with the cart and all behind it crashed at every step of a booking.

Events go from the kit's own relay to a broker of the test's; what capture and Kafka promise is
tested beside them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from crashed import ALL, Crashed

from tarmac_kit import Response
from tarmac_kit_testing import Journey, World, crashing, issue_token

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1800 if ALL else 240)]

LISBON = "7eed0000-0000-4000-8000-000000001001"
PLACES = 24
TRAVEL = Crashed(
    "travel",
    ["cart", "orders", "catalog", "payments"],
    env={
        "OUTBOX_RELAY": "",  # as where no capture is
        "ORDER_STEP_AFTER_S": "0.2",
        "ORDER_SWEEP_S": "0.1",
        "PAYMENT_STEP_AFTER_S": "0.2",
        "PAYMENT_SWEEP_S": "0.1",
        "RESERVATION_SWEEP_S": "0.2",
    },
    kinds={
        **dict.fromkeys(("orders-end", "payments-end", "paid-when-confirmed"), "lost"),
        **dict.fromkeys(("one-payment-per-order", "carts-are-ordered-once"), "doubled"),
        "events-published": "lost",
        "places-equal-ledger": "oversold",
    },
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def travel(server_url: str) -> AsyncIterator[World]:
    async with crashing(server_url, TRAVEL.hosted()) as world:
        yield world


async def check_out(world: World) -> Response:
    """Press the button once; the page behind it insists with the key that it made."""
    return await world.insist(
        *("cart", "POST", "/cart/checkout"),
        json={"payment_token": "tok_ok"},
        headers={"Idempotency-Key": uuid4().hex},
        token=issue_token("tess"),
    )


async def fill(world: World) -> None:
    tess = issue_token("tess")
    put = await world.insist(
        "cart", "PUT", f"/cart/lines/{LISBON}", json={"quantity": 2}, token=tess
    )
    assert put.status == 200, put.body


async def ended(world: World, order_id: str) -> str:
    order = await world.until(
        "orders",
        f"/orders/{order_id}",
        lambda shown: shown["status"] in ("confirmed", "cancelled"),
        token=issue_token("tess"),
    )
    status: str = order["status"]
    return status


async def book(world: World) -> list[str]:
    """Fill the cart and check out."""
    await fill(world)
    answer = await check_out(world)
    assert answer.status in (201, 202), answer.body
    return [await ended(world, answer.json()["id"])]


async def two_tabs(world: World) -> list[str]:
    """Check the same cart out from two tabs, each with a key of its own."""
    await fill(world)
    answers = await asyncio.gather(check_out(world), check_out(world))
    assert {answer.status for answer in answers} <= {201, 202, 409}, [
        answer.body for answer in answers
    ]
    orders = {response.json()["id"] for response in answers if response.status != 409}
    return [await ended(world, order_id) for order_id in orders]


async def booked_once(world: World, told: list[str]) -> list[str]:
    wrong = [] if told == ["confirmed"] else [f"wrong: the traveller was told {told}"]
    ends = await world.rows("orders-db", "select state from orders")
    if ends != [("confirmed",)]:
        wrong.append(f"{'doubled' if len(ends) > 1 else 'lost'}: one booking, found {ends}")
    [(left,)] = await world.rows(
        "catalog-db", f"select on_hand from stock where product_id = '{LISBON}'"
    )
    if left != PLACES - 2:
        wrong.append(f"oversold: {left} places are left")
    cart = (await world.insist("cart", "GET", "/cart", token=issue_token("tess"))).json()
    return [*wrong, *(["wrong: the cart is not empty"] if cart["lines"] else [])]


JOURNEYS: list[Any] = [
    Journey("book", book, booked_once),
    Journey("two tabs", two_tabs, booked_once),
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.name)
async def test_no_crash_loses_or_doubles_a_booking(travel: World, journey: Journey) -> None:
    reports = await TRAVEL.crash(travel, journey)
    assert all(report.ok for report in reports)
    assert sum(report.crashes for report in reports) > 0
