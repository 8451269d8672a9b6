"""What an offer is, and what becomes of one when a service behind it does not answer.

Used by the service, the steps and the endpoints. Pure: no database, no HTTP, no clock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar
from uuid import UUID

#: The roles that an offer is made of, by the names that `degraded` uses.
INVENTORY, PRICING = "inventory", "pricing"

T = TypeVar("T")


@dataclass(frozen=True)
class Price:
    """What pricing says of one product; amounts in minor units of `currency`."""

    product_id: UUID
    name: str
    #: Of one piece.
    price_minor: int
    currency: str
    active: bool


@dataclass(frozen=True)
class RoleAnswer(Generic[T]):
    """What a role said of some products by their ids; None if it did not answer."""

    values: Mapping[UUID, T] | None


@dataclass(frozen=True)
class Offer:
    """A product's stock and price in one; what its role did not say is None."""

    product_id: UUID
    name: str | None
    quantity: int
    tier: str | None
    #: How many can be bought now.
    available: int | None
    price_minor: int | None
    total_minor: int | None
    currency: str | None
    #: Whether `quantity` of it can be bought; None when that is not known.
    can_buy: bool | None
    #: The roles that did not answer.
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """How many of a product a customer buys."""

    product_id: UUID
    quantity: int


def combine(
    product_id: UUID,
    stock: RoleAnswer[int],
    prices: RoleAnswer[Price],
    *,
    quantity: int,
    tier: str | None,
) -> Offer | None:
    """Make one offer of what the roles said; None if they answered and none knows the product.

    A product that was never counted has none; one that has no price, or is not sold any more,
    cannot be bought.
    """
    if stock.values is None and prices.values is None:
        raise ValueError("combine: neither role answered; there is nothing to combine")
    available = None if stock.values is None else stock.values.get(product_id, 0)
    price = None if prices.values is None else prices.values.get(product_id)
    if prices.values is not None and price is None:
        if stock.values is None or product_id not in stock.values:
            return None
        return _offer(product_id, quantity, tier, available, degraded=(), can_buy=False)
    offer = _offer(
        product_id,
        quantity,
        tier,
        available,
        degraded=tuple(
            role for role, heard in ((INVENTORY, stock), (PRICING, prices)) if heard.values is None
        ),
        can_buy=None if available is None or price is None else available >= quantity,
    )
    if price is None:
        return offer
    return replace(
        offer,
        name=price.name,
        price_minor=price.price_minor if price.active else None,
        total_minor=price.price_minor * quantity if price.active else None,
        currency=price.currency,
        can_buy=offer.can_buy if price.active else False,
    )


def fingerprint(lines: Sequence[Line], tier: str | None) -> str:
    """Say in 64 characters what a purchase asked for, whatever the order in which it was named."""
    asked: dict[str, Any] = {
        "lines": sorted([str(line.product_id), line.quantity] for line in lines),
        "tier": tier,
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _offer(
    product_id: UUID,
    quantity: int,
    tier: str | None,
    available: int | None,
    *,
    degraded: tuple[str, ...],
    can_buy: bool | None,
) -> Offer:
    return Offer(
        product_id=product_id,
        name=None,
        quantity=quantity,
        tier=tier,
        available=available,
        price_minor=None,
        total_minor=None,
        currency=None,
        can_buy=can_buy,
        degraded=degraded,
    )
