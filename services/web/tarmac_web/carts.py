"""A visitor's cart, wherever it is kept: in their cookie, or in the API for users where it has one.

Used by buying.py and account.py. Prices are the API's of this moment; what a cookie holds is only
products and quantities.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tarmac_web.api import RefusedError
from tarmac_web.session import MOST_LINES, MOST_OF_ONE
from tarmac_web.visit import Visit

#: In the place of a product, where the API keeps the cart and the cookie only how much is in it.
COUNT = "count"


@dataclass(frozen=True)
class Line:
    """Some of one product."""

    product_id: str
    name: str
    category: str
    quantity: int
    unit_price_minor: int

    @property
    def total_minor(self) -> int:
        """Return the price of all of them."""
        return self.quantity * self.unit_price_minor


@dataclass(frozen=True)
class Cart:
    """Lines with their prices; `dropped` counts those whose product is not sold any more."""

    lines: tuple[Line, ...]
    currency: str
    dropped: int = 0

    @property
    def total_minor(self) -> int:
        """Return the price of everything."""
        return sum(line.total_minor for line in self.lines)

    @property
    def quantities(self) -> dict[str, int]:
        """Return products by quantity."""
        return {line.product_id: line.quantity for line in self.lines}


class CartFull(Exception):
    """Another product does not fit."""


def in_api(visit: Visit) -> bool:
    """Return whether the API keeps this visitor's cart."""
    return visit.site.settings.cart == "api" and visit.session.logged_in


def count(visit: Visit) -> int:
    """Return how many things are in the cart, as the cookie has it."""
    if in_api(visit):
        return visit.cart.get(COUNT, 0)
    return sum(visit.cart.values())


async def read(visit: Visit) -> Cart:
    """Return the cart with prices; what is not sold any more is taken out."""
    if in_api(visit):
        return _from_api(visit, (await visit.call_as_user("GET", "/cart")).data)
    wanted = dict(visit.cart)
    found = await asyncio.gather(*(_product(visit, product_id) for product_id in wanted))
    lines = tuple(
        Line(
            product_id,
            product["name"],
            product["category"],
            wanted[product_id],
            product["price_minor"],
        )
        for product_id, product in zip(wanted, found, strict=True)
        if product is not None
    )
    dropped = len(wanted) - len(lines)
    if dropped:
        visit.keep_cart({line.product_id: line.quantity for line in lines})
    currencies = [product["currency"] for product in found if product is not None]
    currency = currencies[0] if currencies else visit.site.settings.currency
    return Cart(lines, currency, dropped)


async def add(visit: Visit, product_id: str, quantity: int) -> None:
    """Put `quantity` more of a product in; CartFull when that is one product too many."""
    if in_api(visit):
        now = _from_api(visit, (await visit.call_as_user("GET", "/cart")).data).quantities
        await put(visit, product_id, now.get(product_id, 0) + quantity)
        return
    if product_id not in visit.cart and len(visit.cart) >= MOST_LINES:
        raise CartFull
    await put(visit, product_id, visit.cart.get(product_id, 0) + quantity)


async def put(visit: Visit, product_id: str, quantity: int) -> None:
    """Let there be `quantity` of a product; none takes it out."""
    quantity = min(quantity, MOST_OF_ONE)
    if in_api(visit):
        path = f"/cart/lines/{quote(product_id, safe='')}"
        if quantity > 0:
            answer = await visit.call_as_user("PUT", path, json={"quantity": quantity})
        else:
            answer = await visit.call_as_user("DELETE", path)
        if isinstance(answer.data, dict) and "lines" in answer.data:
            _from_api(visit, answer.data)
        else:
            await read(visit)
        return
    cart = {**visit.cart, product_id: quantity}
    visit.keep_cart({product: number for product, number in cart.items() if number > 0})


async def move_to_api(visit: Visit) -> None:
    """Put what was chosen before the login into the user's cart, where the API keeps that."""
    if not in_api(visit):
        return
    chosen = {
        product_id: number for product_id, number in visit.cart.items() if product_id != COUNT
    }
    visit.keep_cart({})
    for product_id, quantity in chosen.items():
        try:
            await add(visit, product_id, quantity)
        except RefusedError:  # it is not sold any more, or there is no room: the rest is worth more
            continue
    await read(visit)


def emptied(visit: Visit) -> None:
    """Forget the cart: what was in it is ordered."""
    visit.keep_cart({})


def _from_api(visit: Visit, data: dict[str, Any]) -> Cart:
    lines = tuple(
        Line(
            str(line["product_id"]),
            line["name"],
            str(line.get("category", "")),
            line["quantity"],
            line["unit_price_minor"],
        )
        for line in data["lines"]
    )
    number = min(sum(line.quantity for line in lines), MOST_OF_ONE)
    if visit.cart != ({COUNT: number} if number else {}):
        visit.keep_cart({COUNT: number} if number else {})
    return Cart(lines, data["currency"] or visit.site.settings.currency)


async def _product(visit: Visit, product_id: str) -> Any:
    try:
        found = await visit.shown_to_all(f"/products/{quote(product_id, safe='')}")
    except RefusedError:
        return None
    return found if found["active"] else None
