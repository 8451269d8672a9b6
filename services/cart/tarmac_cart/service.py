"""Keep a customer's cart, show it with today's prices, and have it ordered once.

Called by the endpoints. Knows nothing of HTTP except the problems it raises and the answer of
orders that it hands on, and no SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tarmac_cart.domain import MAX_LINES, Cart, Checkout, Line, Quote, total, without
from tarmac_cart.repository import CartRepository
from tarmac_cart.upstream import Catalog, Orders
from tarmac_kit import Database, Problem, Response, get_logger

log = get_logger(__name__)

#: Orders' refusals that are final for this order: the next try is to be another one.
_FINAL = frozenset({"out_of_stock", "not_orderable"})


@dataclass(frozen=True)
class CartView:
    """A cart with what the catalog says of its products; nothing of it while it is away."""

    cart: Cart
    quotes: Mapping[UUID, Quote] = field(default_factory=dict)
    degraded: bool = False
    total: tuple[str, int] | None = None


@dataclass(frozen=True)
class Carts:
    """The carts of all customers."""

    database: Database
    carts: CartRepository
    catalog: Catalog
    orders: Orders

    async def show(self, customer_id: str) -> CartView:
        """Read a customer's cart and ask for its prices."""
        async with self.database.connection() as connection:
            cart = await self.carts.find(connection, customer_id)
        return await self._seen(cart)

    async def put(self, customer_id: str, product_id: UUID, quantity: int) -> CartView:
        """Have so many of a product in the cart; problem 422 for one that is not sold."""
        quote = (await self.catalog.quotes([product_id])).get(product_id)
        if quote is None or not quote.active:
            why = "is not for sale any more" if quote else "is unknown"
            raise Problem(
                422, "not_for_sale", "This cannot be bought", f"product {product_id} {why}"
            )
        async with self.database.transaction() as connection:
            cart = await self.carts.open(connection, customer_id)
            assert cart.id is not None  # noqa: S101 - `open` begins one
            known = {line.product_id: line.quantity for line in cart.lines}
            if product_id not in known and len(known) >= MAX_LINES:
                raise Problem(
                    409,
                    "cart_full",
                    "The cart is full",
                    f"{MAX_LINES} different products are the most; order these first",
                )
            if known.get(product_id) != quantity:
                await self.carts.put(connection, cart.id, Line(product_id, quantity))
                cart = await self.carts.find(connection, customer_id)
        return await self._seen(cart)

    async def remove(self, customer_id: str, product_id: UUID) -> CartView:
        """Take a product out of the cart."""
        async with self.database.transaction() as connection:
            cart = await self.carts.find(connection, customer_id, lock=True)
            if cart.id is not None:
                await self.carts.remove(connection, cart.id, product_id)
                cart = await self.carts.find(connection, customer_id)
        return await self._seen(cart)

    async def check_out(self, customer_id: str, key: str, rest: dict[str, Any]) -> Response:
        """Order what is in the cart and answer what orders said.

        Raises problem 409 for an empty cart, and 503 or 504 while orders do not answer: the order
        may stand then, and the same key, or the same cart, finds it.
        """
        checkout = await self._checkout(customer_id, key)
        answer = await self.orders.place(checkout, rest)
        code = None if answer.ok else answer.problem().get("code")
        if answer.ok:
            await self._ordered(customer_id, checkout, UUID(answer.json()["id"]))
        elif code == "idempotency_key_reused":
            # This very cart was ordered before, with another card or address; its answer was lost.
            await self._ordered(customer_id, checkout, None)
            raise Problem(
                409,
                "already_ordered",
                "This cart was ordered before",
                "an earlier attempt was accepted; it is among the orders",
            )
        elif code in _FINAL:
            async with self.database.transaction() as connection:
                await self.carts.renew(connection, checkout)
        return answer

    async def _checkout(self, customer_id: str, key: str) -> Checkout:
        async with self.database.transaction() as connection:
            known = await self.carts.checkout(connection, customer_id, key)
            if known is not None:
                return known
            cart = await self.carts.find(connection, customer_id, lock=True)
            if cart.id is None or not cart.lines:
                raise Problem(409, "cart_empty", "The cart is empty", "put something into it")
            checkout = Checkout(cart.id, cart.version, cart.lines)
            await self.carts.add_checkout(connection, customer_id, key, checkout)
            # Of two requests with one key the first one's cart counts.
            return await self.carts.checkout(connection, customer_id, key) or checkout

    async def _ordered(self, customer_id: str, checkout: Checkout, order_id: UUID | None) -> None:
        async with self.database.transaction() as connection:
            version = await self.carts.lock_open(connection, checkout.cart_id)
            if version is None:
                return
            lines = await self.carts.lines(connection, checkout.cart_id)
            await self.carts.close(connection, checkout.cart_id, order_id)
            # What was put in while the order was under way begins the next cart.
            left = without(lines, checkout.lines) if version != checkout.version else ()
            if left:
                await self.carts.open(connection, customer_id, left)

    async def _seen(self, cart: Cart) -> CartView:
        try:
            quotes = await self.catalog.quotes([line.product_id for line in cart.lines])
        except Problem as problem:
            log.warning("cart shown without prices", error=str(problem))
            return CartView(cart, degraded=True)
        return CartView(cart, quotes, total=total(cart.lines, quotes))
