"""What a cart is, and the decisions about it.

Used by the service and the repository. Pure: no database, no HTTP, no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

MAX_QUANTITY = 99
MAX_LINES = 50


@dataclass(frozen=True)
class Line:
    """How many of one product."""

    product_id: UUID
    quantity: int


@dataclass(frozen=True)
class Cart:
    """A customer's cart; a new one has no id yet and version 0."""

    id: UUID | None
    version: int
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Quote:
    """What the catalog says about a product now."""

    name: str
    price_minor: int
    currency: str
    active: bool


@dataclass(frozen=True)
class Checkout:
    """One attempt to order: the cart's lines as they were when it was first asked for."""

    cart_id: UUID
    version: int
    lines: tuple[Line, ...]

    @property
    def order_key(self) -> str:
        """The Idempotency-Key for orders: one order per version of a cart, for every caller."""
        return str(uuid5(self.cart_id, str(self.version)))


def total(lines: Sequence[Line], quotes: dict[UUID, Quote]) -> tuple[str, int] | None:
    """Add up what can be bought: currency and minor units; None if prices or currencies differ.

    Lines that cannot be bought any more cost nothing; one without any price leaves no total.
    """
    if any(line.product_id not in quotes for line in lines):
        return None
    priced = [(line, quotes[line.product_id]) for line in lines if quotes[line.product_id].active]
    currencies = {quote.currency for _, quote in priced}
    if len(currencies) != 1:
        return None
    return currencies.pop(), sum(line.quantity * quote.price_minor for line, quote in priced)


def without(lines: Sequence[Line], ordered: Sequence[Line]) -> tuple[Line, ...]:
    """Take what was ordered out of a cart that went on changing meanwhile."""
    taken = {line.product_id: line.quantity for line in ordered}
    left = (Line(x.product_id, x.quantity - taken.get(x.product_id, 0)) for x in lines)
    return tuple(line for line in left if line.quantity > 0)
