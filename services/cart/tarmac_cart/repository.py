"""The cart's SQL, all of it. Called by the service with a connection; opens none itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from tarmac_cart.domain import Cart, Checkout, Line
from tarmac_kit import fetch_all

if TYPE_CHECKING:
    from tarmac_kit.database import Connection

_FIND = "SELECT id, version FROM carts WHERE customer_id = $1 AND state = 'open'"
_LOCK = f"{_FIND} FOR UPDATE"
_OPEN = """
INSERT INTO carts (id, customer_id) VALUES ($1, $2)
ON CONFLICT (customer_id) WHERE state = 'open' DO NOTHING
"""
_LINES = (
    "SELECT product_id, quantity FROM cart_lines WHERE cart_id = $1 ORDER BY added_at, product_id"
)
_PUT = """
INSERT INTO cart_lines (cart_id, product_id, quantity) VALUES ($1, $2, $3)
ON CONFLICT (cart_id, product_id) DO UPDATE SET quantity = excluded.quantity
"""
_REMOVE = "DELETE FROM cart_lines WHERE cart_id = $1 AND product_id = $2"
_CHANGED = (
    "UPDATE carts SET version = version + 1, updated_at = now() WHERE id = $1 RETURNING version"
)
_RENEW = """
UPDATE carts SET version = version + 1, updated_at = now()
 WHERE id = $1 AND version = $2 AND state = 'open'
"""
_FIND_CHECKOUT = """
SELECT cart_id, version, lines FROM checkouts WHERE customer_id = $1 AND key = $2
"""
_ADD_CHECKOUT = """
INSERT INTO checkouts (customer_id, key, cart_id, version, lines) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
"""
_LOCK_ONE = "SELECT version FROM carts WHERE id = $1 AND state = 'open' FOR UPDATE"
_CLOSE = """
UPDATE carts SET state = 'ordered', order_id = $2, updated_at = now() WHERE id = $1
"""


class CartRepository:
    """Reads and writes carts, their lines and checkouts."""

    async def find(self, connection: Connection, customer_id: str, *, lock: bool = False) -> Cart:
        """Read a customer's open cart, locked if asked; one without an id where there is none."""
        row = await connection.fetchrow(_LOCK if lock else _FIND, customer_id)
        if row is None:
            return Cart(None, 0)
        return Cart(row["id"], row["version"], await self.lines(connection, row["id"]))

    async def open(
        self, connection: Connection, customer_id: str, lines: Sequence[Line] = ()
    ) -> Cart:
        """Lock a customer's open cart; begin one, with these lines, where there is none."""
        new_id = uuid4()
        if await connection.execute(_OPEN, new_id, customer_id) == "INSERT 0 1":
            for line in lines:
                await connection.execute(_PUT, new_id, line.product_id, line.quantity)
        return await self.find(connection, customer_id, lock=True)

    async def lines(self, connection: Connection, cart_id: UUID) -> tuple[Line, ...]:
        """Read a cart's lines in the order in which they were put in."""
        return tuple(await fetch_all(connection, _LINES, cart_id, into=Line))

    async def put(self, connection: Connection, cart_id: UUID, line: Line) -> None:
        """Have so many of a product in a locked cart."""
        await connection.execute(_PUT, cart_id, line.product_id, line.quantity)
        await connection.execute(_CHANGED, cart_id)

    async def remove(self, connection: Connection, cart_id: UUID, product_id: UUID) -> None:
        """Take a product out of a locked cart."""
        if await connection.execute(_REMOVE, cart_id, product_id) == "DELETE 1":
            await connection.execute(_CHANGED, cart_id)

    async def checkout(self, connection: Connection, customer_id: str, key: str) -> Checkout | None:
        """Read what a key asked for before."""
        row = await connection.fetchrow(_FIND_CHECKOUT, customer_id, key)
        if row is None:
            return None
        lines = tuple(Line(UUID(line["product_id"]), line["quantity"]) for line in row["lines"])
        return Checkout(row["cart_id"], row["version"], lines)

    async def add_checkout(
        self, connection: Connection, customer_id: str, key: str, checkout: Checkout
    ) -> None:
        """Note what a key asks for; the first one stays."""
        lines = [{"product_id": str(x.product_id), "quantity": x.quantity} for x in checkout.lines]
        await connection.execute(
            _ADD_CHECKOUT, customer_id, key, checkout.cart_id, checkout.version, lines
        )

    async def renew(self, connection: Connection, checkout: Checkout) -> None:
        """Give the cart of a refused checkout a new version, if it still has that one."""
        await connection.execute(_RENEW, checkout.cart_id, checkout.version)

    async def lock_open(self, connection: Connection, cart_id: UUID) -> int | None:
        """Lock a cart that is still open; answer its version."""
        version: int | None = await connection.fetchval(_LOCK_ONE, cart_id)
        return version

    async def close(self, connection: Connection, cart_id: UUID, order_id: UUID | None) -> None:
        """Note that a locked cart was ordered; its customer's next one is new."""
        await connection.execute(_CLOSE, cart_id, order_id)
