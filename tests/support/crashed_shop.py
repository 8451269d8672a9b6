"""The shop as the crash tests host it, and what its customers do.

Used by tests/crash/test_shop.py and test_faults.py.
"""

from __future__ import annotations

import asyncio
import email
from typing import Any
from uuid import uuid4

import promises
from crashed import Crashed

from tarmac_kit import Response
from tarmac_kit_testing import Journey, World, issue_token

KETTLE = "5eed0000-0000-4000-8000-000000001003"
ON_THE_SHELF = 18
SHOP = Crashed(
    "shop",
    ["order-service", "product-service", "payment-service", "notification-service"],
    env={
        "ORDER_STEP_AFTER_S": "0.2",
        "ORDER_SWEEP_S": "0.1",
        "PAYMENT_STEP_AFTER_S": "0.2",
        "PAYMENT_SWEEP_S": "0.1",
        "RESERVATION_SWEEP_S": "0.2",
    },
    kinds=promises.SHOP,
)
ANN = "ann"


class Emails:
    """A mail server's handler that keeps what it gets."""

    def __init__(self) -> None:
        self.ids: list[tuple[str, str]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        message = email.message_from_bytes(envelope.content)
        self.ids.append((message["Subject"], message["Message-ID"]))
        return "250 OK"

    @property
    def sent(self) -> list[str]:
        """The subjects, once for each email: one that came again has the same id."""
        return [subject for subject, _ in dict.fromkeys(self.ids)]


#: The emails of all journeys; each begins without.
EMAILS = Emails()


async def place(world: World, quantity: int, payment_token: str = "tok_ok") -> Response:
    """Press the button once; the page behind it insists, with the key that it made."""
    items = [{"product_id": KETTLE, "quantity": quantity}]
    return await world.insist(
        *("order-service", "POST", "/orders"),
        json={"items": items, "payment_token": payment_token},
        headers={"Idempotency-Key": uuid4().hex},
        token=issue_token(ANN),
    )


async def ended(world: World, placed: Response) -> str:
    """Look at the order until it has ended; say how."""
    assert placed.status in (201, 202), placed.body
    order = await world.until(
        "order-service",
        f"/orders/{placed.json()['id']}",
        lambda order: order["status"] in ("confirmed", "cancelled"),
        token=issue_token(ANN),
    )
    return " ".join(filter(None, (order["status"], order["reason"])))


def expect(*wanted: str, sold: int, emails: int | None = 1) -> Any:
    """Say what is wrong where the order did not end so, or the shelf and the emails differ."""

    async def check(world: World, told: Any) -> list[str]:
        wrong = [] if told in wanted else [f"wrong: the customer was told {told!r}"]
        ends = await world.rows("orders-db", "select concat_ws(' ', state, reason) from orders")
        if len(ends) != 1:
            wrong.append(f"{'doubled' if ends else 'lost'}: one order was placed, found {ends}")
        on_hand = await world.rows(
            "products-db", f"select on_hand from stock where product_id = '{KETTLE}'"
        )
        confirmed = ends == [("confirmed",)]
        if on_hand != [(ON_THE_SHELF - sold * confirmed,)]:
            wrong.append(f"oversold: {on_hand} are on the shelf")
        if emails is not None and len(EMAILS.sent) != emails:
            wrong.append(f"{'doubled' if EMAILS.sent else 'lost'}: emails {EMAILS.ids}")
        return wrong

    return check


def bought(quantity: int, payment_token: str) -> Any:
    async def run(world: World) -> str:
        EMAILS.ids.clear()
        return await ended(world, await place(world, quantity, payment_token))

    return run


async def cancel(world: World) -> str:
    """Order with a card that is slow, and think better of it."""
    EMAILS.ids.clear()
    placed = await place(world, 2, "tok_error_once")
    path = f"/orders/{placed.json()['id']}/cancel"
    answer = await world.insist("order-service", "POST", path, token=issue_token(ANN))
    assert answer.status in (200, 202, 409), answer.body
    how = await ended(world, placed)
    return how if answer.status != 409 or how == "confirmed" else f"409, and then {how}"


async def too_many(world: World) -> str:
    """Order more than there is."""
    EMAILS.ids.clear()
    answer = await place(world, ON_THE_SHELF + 1)
    if answer.status == 202:  # it was not known yet
        return await ended(world, answer)
    assert answer.status == 409, answer.body
    return f"cancelled {answer.json()['code']}"


async def out_of_stock(world: World, told: str) -> list[str]:
    wrong = [] if told == "cancelled out_of_stock" else [f"wrong: the customer was told {told!r}"]
    if ends := await world.rows(
        "orders-db", "select id from orders where reason <> 'out_of_stock'"
    ):
        wrong.append(f"wrong: {ends}")
    # One goes out where the customer was told that the order stands: 202, and later no.
    return wrong if len(EMAILS.sent) <= 1 else [*wrong, f"doubled: emails {EMAILS.ids}"]


async def rivals(world: World) -> list[str]:
    """Two customers want ten of the eighteen at once."""
    EMAILS.ids.clear()
    answers = await asyncio.gather(place(world, 10), place(world, 10))
    return sorted(
        [
            await ended(world, response) if response.status != 409 else "cancelled out_of_stock"
            for response in answers
        ]
    )


async def one_of_two(world: World, told: list[str]) -> list[str]:
    if told == ["cancelled out_of_stock", "confirmed"]:
        return []
    return [f"{'oversold' if told[0] == 'confirmed' else 'lost'}: the two were told {told}"]


JOURNEYS = [
    Journey("buy", bought(1, "tok_ok"), expect("confirmed", sold=1, emails=1)),
    Journey(
        "buy, charged before the answer is lost",
        bought(2, "tok_timeout"),
        expect("confirmed", sold=2, emails=1),
    ),
    Journey(
        "declined",
        bought(1, "tok_declined"),
        expect("cancelled payment_declined", sold=1, emails=1),
    ),
    Journey("cancel", cancel, expect("cancelled by_customer", "confirmed", sold=2, emails=1)),
    Journey("out of stock", too_many, out_of_stock),
    Journey("rivals for the last", rivals, one_of_two),
]
