"""What an order is, the states it goes through, and the decisions about it.

Used by the service, the steps and the repository. Pure: no database, no HTTP, no clock.

    pending -> placed -> paid -> confirmed
       |         |        |
       +---------+--------+--> cancelling -> cancelled

Where no payments are taken, nothing is owed: an order with reserved stock is paid at once. Where
no stock is kept either, a pending order is confirmed at once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

MAX_QUANTITY = 99
MAX_LINES = 50
#: Ten million euros for one of something, where a request names its own price.
MAX_PRICE_MINOR = 1_000_000_000


class State(StrEnum):
    """Where an order is in its life."""

    #: Accepted and written; its stock is not reserved yet.
    PENDING = "pending"
    #: Stock is reserved and the payment is asked for.
    PLACED = "placed"
    #: The money is there, or none is taken; the stock is not sold yet.
    PAID = "paid"
    #: Done: paid, and the stock has left the shelf.
    CONFIRMED = "confirmed"
    #: Will be cancelled as soon as its stock is given back.
    CANCELLING = "cancelling"
    #: Done: nothing is held for it any more.
    CANCELLED = "cancelled"


class Reason(StrEnum):
    """Why an order was cancelled."""

    #: What was wanted is not there.
    OUT_OF_STOCK = "out_of_stock"
    #: The payment was refused.
    PAYMENT_DECLINED = "payment_declined"
    #: The customer changed their mind.
    BY_CUSTOMER = "by_customer"
    #: It was paid so late that others have bought the stock.
    RESERVATION_EXPIRED = "reservation_expired"
    #: The inventory holds no stock for this order any more, or other stock than it asked for.
    RESERVATION_REFUSED = "reservation_refused"


#: The states in which a customer may still cancel.
CANCELLABLE = frozenset({State.PENDING, State.PLACED})


@dataclass(frozen=True)
class Item:
    """What a customer asks for."""

    product_id: UUID
    quantity: int


@dataclass(frozen=True)
class Line:
    """What was ordered, with the name and price of that moment."""

    product_id: UUID
    name: str
    quantity: int
    unit_price_minor: int


@dataclass(frozen=True)
class Quote:
    """What the catalog says about a product now."""

    product_id: UUID
    name: str
    price_minor: int
    currency: str
    active: bool


@dataclass(frozen=True)
class Order:
    """An order; `total_minor` is in minor units of `currency`."""

    id: UUID
    customer_id: str
    email: str
    idempotency_key: str
    fingerprint: str
    state: State
    reason: str | None
    currency: str
    total_minor: int
    payment_token: str
    shipping_address: dict[str, Any] | None
    short: list[dict[str, Any]] | None
    #: The customer was answered that it stands (201 or 202), and not that it is refused.
    accepted: bool
    created_at: datetime
    updated_at: datetime
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Step:
    """One entry of an order's history."""

    state: State
    reason: str | None
    at: datetime


@dataclass(frozen=True)
class NewOrder:
    """An order before the database has dated it."""

    id: UUID
    customer_id: str
    email: str
    idempotency_key: str
    fingerprint: str
    currency: str
    total_minor: int
    payment_token: str
    shipping_address: dict[str, Any] | None
    lines: tuple[Line, ...] = field(default=())


class NotOrderableError(ValueError):
    """Something among the items cannot be ordered; `products` says which and why."""

    def __init__(self, message: str, products: Sequence[Mapping[str, str]]) -> None:
        super().__init__(message)
        self.products = [dict(product) for product in products]


class BadCursorError(ValueError):
    """The cursor is not one that the list of orders gave out."""


def merge(items: Sequence[Item]) -> tuple[Item, ...]:
    """Add up items of the same product; keeps the order in which they were named."""
    quantities: dict[UUID, int] = {}
    for item in items:
        quantities[item.product_id] = quantities.get(item.product_id, 0) + item.quantity
    return tuple(Item(product_id, quantity) for product_id, quantity in quantities.items())


def price(items: Sequence[Item], quotes: Mapping[UUID, Quote]) -> tuple[str, tuple[Line, ...]]:
    """Answer the currency and the priced lines; NotOrderableError if one cannot be bought."""
    missing = [
        {"product_id": str(item.product_id), "why": "unknown" if quote is None else "not_for_sale"}
        for item in items
        if (quote := quotes.get(item.product_id)) is None or not quote.active
    ]
    if missing:
        raise NotOrderableError("some products cannot be bought", missing)
    currencies = {quotes[item.product_id].currency for item in items}
    if len(currencies) > 1:
        raise NotOrderableError(
            f"the products are sold in several currencies ({', '.join(sorted(currencies))})",
            [
                {"product_id": str(item.product_id), "why": quotes[item.product_id].currency}
                for item in items
            ],
        )
    lines = tuple(
        Line(
            product_id=item.product_id,
            name=quotes[item.product_id].name,
            quantity=item.quantity,
            unit_price_minor=quotes[item.product_id].price_minor,
        )
        for item in items
    )
    return currencies.pop(), lines


def total(lines: Sequence[Line]) -> int:
    """Add up lines, in minor units."""
    return sum(line.quantity * line.unit_price_minor for line in lines)


def fingerprint(
    items: Sequence[Item],
    payment_token: str,
    shipping_address: Mapping[str, Any] | None,
    quotes: Mapping[UUID, Quote] | None = None,
) -> str:
    """Say in 64 characters what was asked for, whatever the order in which it was named.

    `quotes` are the prices that were asked for, where there is no catalog to have them.
    """
    asked: dict[str, Any] = {
        "items": sorted([str(item.product_id), item.quantity] for item in merge(items)),
        "payment_token": payment_token,
        "shipping_address": shipping_address,
    }
    if quotes is not None:
        asked["prices"] = sorted(
            [str(quote.product_id), quote.name, quote.price_minor, quote.currency]
            for quote in quotes.values()
        )
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def encode_cursor(created_at: datetime, order_id: UUID) -> str:
    """Write where a page ended as text that fits into a URL."""
    raw = f"{created_at.isoformat()} {order_id}".encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode_cursor(text: str) -> tuple[datetime, UUID]:
    """Read a cursor; anything else raises BadCursorError."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        written, order_id = raw.decode().split(" ")
        created_at = datetime.fromisoformat(written)
        last_id = UUID(order_id)
        if created_at.tzinfo is not None:
            return created_at.astimezone(UTC), last_id
    except (binascii.Error, ValueError, OverflowError) as error:
        raise BadCursorError("cursor: not one of this list; start without a cursor") from error
    raise BadCursorError("cursor: its time has no zone; start without a cursor")
