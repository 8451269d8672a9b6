"""Make offers of stock and price, from the roles that answer in time.

Called by the endpoints. Asks both roles at once; one that is away leaves its half of the answer
empty, and the answer says which. Keeps nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from tarmac_kit import Problem
from tarmac_offers.domain import Offer, Price, RoleAnswer, combine
from tarmac_offers.upstream import Inventory, Pricing, nothing_heard


@dataclass(frozen=True)
class Page:
    """Some offers and, if there are more, the id to ask on after."""

    offers: list[Offer]
    next: UUID | None


@dataclass(frozen=True)
class Offers:
    """Offers over the two roles."""

    inventory: Inventory
    pricing: Pricing

    async def show(self, product_id: UUID, *, quantity: int, tier: str | None) -> Offer:
        """Make the offer of one product; a problem 404 if no role knows it, 503 if none answers."""
        stock, prices = await asyncio.gather(
            self.inventory.levels([product_id]),
            self.pricing.price(product_id, quantity=quantity, tier=tier),
        )
        offers = _combined([product_id], stock, prices, quantity=quantity, tier=tier)
        if not offers:
            raise Problem(404, "offer_unknown", "There is no such product", str(product_id))
        return offers[0]

    async def look_up(
        self, product_ids: Sequence[UUID], *, quantity: int, tier: str | None
    ) -> list[Offer]:
        """Make the offers of some products, in their order, leaving out what no role knows."""
        ids = [*dict.fromkeys(product_ids)]
        stock, prices = await asyncio.gather(
            self.inventory.levels(ids),
            self.pricing.prices(ids, quantity=quantity, tier=tier),
        )
        return _combined(ids, stock, prices, quantity=quantity, tier=tier)

    async def page(self, *, after: UUID | None, limit: int, tier: str | None) -> Page:
        """Make a page of offers; what is sold at all is pricing's to say, so 503 without it."""
        listed = await self.pricing.page(after=after, limit=limit, tier=tier)
        if listed is None:
            raise nothing_heard()
        ids = [price.product_id for price in listed.prices]
        stock = await self.inventory.levels(ids) if ids else RoleAnswer[int]({})
        prices = RoleAnswer({price.product_id: price for price in listed.prices})
        return Page(_combined(ids, stock, prices, quantity=1, tier=tier), listed.next)


def _combined(
    product_ids: Sequence[UUID],
    stock: RoleAnswer[int],
    prices: RoleAnswer[Price],
    *,
    quantity: int,
    tier: str | None,
) -> list[Offer]:
    if stock.values is None and prices.values is None:
        raise nothing_heard()
    found = (
        combine(product_id, stock, prices, quantity=quantity, tier=tier)
        for product_id in product_ids
    )
    return [offer for offer in found if offer is not None]
