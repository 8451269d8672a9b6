"""What a cart asks of the roles `catalog` and `orders`, in the words of the cart.

Used by the service. Only the kit's clients know which services play the roles, and where.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tarmac_cart.domain import Checkout, Quote
from tarmac_kit import Client, Problem, Response


@dataclass(frozen=True)
class Catalog:
    """Asks what products are called and cost."""

    client: Client

    async def quotes(self, ids: Sequence[UUID]) -> dict[UUID, Quote]:
        """Look up the known products among `ids`; problem 503 or 504 while it is away."""
        if not ids:
            return {}
        # A lookup changes nothing, so it may be repeated although it is a POST.
        response = await self.client.post(
            "/prices",
            json={"product_ids": [str(product_id) for product_id in ids]},
            idempotent=True,
        )
        if response.status != 200:
            raise Problem(
                503,
                "prices_unavailable",
                "The prices cannot be looked up now",
                f"catalog answered {response.status}; try again",
                headers={"Retry-After": "1"},
            )
        return {
            UUID(price["product_id"]): Quote(
                price["name"], price["price_minor"], price["currency"], price["active"]
            )
            for price in response.json()["prices"]
        }


@dataclass(frozen=True)
class Orders:
    """Has a cart ordered, in its customer's own name."""

    client: Client

    async def place(self, checkout: Checkout, rest: dict[str, Any]) -> Response:
        """Ask for the order of a checkout; the same one each time. Problem 503 or 504 if away."""
        items = [
            {"product_id": str(line.product_id), "quantity": line.quantity}
            for line in checkout.lines
        ]
        return await self.client.post(
            "/orders",
            json={**rest, "items": items},
            headers={"Idempotency-Key": checkout.order_key},
            idempotent=True,
            forward=True,
        )
