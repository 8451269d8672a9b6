"""The cart, the checkout and the orders.

Built by endpoints.py. A checkout's page carries what it showed and a key made with it, sealed: the
same page sent twice, or again after a failure, is one order.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote, urlencode
from uuid import uuid4

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from tarmac_kit import Problem
from tarmac_web import carts
from tarmac_web.api import RefusedError
from tarmac_web.browse import product_page
from tarmac_web.countries import COUNTRIES
from tarmac_web.session import MOST_LINES, MOST_OF_ONE
from tarmac_web.visit import Site, Visit

#: How long a checkout's page may be open; the API knows its keys longer.
CHECKOUT_AGE_S = 6 * 3600.0
ADDRESS = {
    "name": "The name",
    "street": "The street",
    "postal_code": "The postal code",
    "city": "The city",
    "country": "The country",
}
CARDS = (
    ("tok_ok", "Test card", "ends in 4242", "is accepted"),
    ("tok_declined", "Test card", "ends in 0002", "is declined"),
    ("tok_insufficient_funds", "Test card", "ends in 9995", "has no funds"),
)
#: Orders in these states change by themselves: their page looks again.
MOVING = frozenset({"pending", "placed", "paid", "cancelling"})
CANCELLABLE = frozenset({"pending", "placed"})
CursorText = Annotated[str, Query(max_length=1000)]


def build_router(site: Site) -> APIRouter:  # noqa: PLR0915 - a list of routes
    """Build the routes over `site`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/cart")
    async def show_cart(request: Request) -> Response:
        visit = site.visit(request)
        return visit.page("cart.html", cart=await carts.read(visit), error="")

    @router.post("/cart")
    async def add_to_cart(request: Request) -> Response:
        visit = site.visit(request)
        form = await visit.form()
        product_id = form.get("product_id", "")
        number = _quantity(form.get("quantity", "1"))
        if number is None or number == 0:
            error = f"Type a quantity from 1 to {MOST_OF_ONE}."
            return await product_page(visit, product_id, error=error, status=422)
        try:
            name = (await visit.shown_to_all(f"/products/{quote(product_id, safe='')}"))["name"]
            await carts.add(visit, product_id, number)
        except carts.CartFull:
            word = "book" if visit.site.settings.theme == "voyage" else "order"
            visit.say(f"A cart holds {MOST_LINES} different things; {word} these first.", "bad")
            return visit.go("/cart")
        except RefusedError as refused:
            if refused.status == 401:
                raise
            error = refused.detail or refused.title
            return await product_page(visit, product_id, error=error, status=refused.status)
        visit.say(f"{name} is in your cart.")
        return visit.go("/cart")

    @router.post("/cart/lines/{product_id}")
    async def change_line(request: Request, product_id: str) -> Response:
        visit = site.visit(request)
        form = await visit.form()
        number = 0 if "remove" in form else _quantity(form.get("quantity", ""))
        if number is None:
            error = f"Type a quantity from 0 to {MOST_OF_ONE}; 0 takes the line out."
            cart = await carts.read(visit)
            return visit.page("cart.html", cart=cart, error=error, status=422)
        await carts.put(visit, product_id, number)
        return visit.go("/cart")

    @router.get("/checkout")
    async def show_checkout(request: Request) -> Response:
        visit = site.visit(request)
        cart = await carts.read(visit)
        if not cart.lines:
            return visit.go("/cart")
        me = (await visit.call_as_user("GET", "/users/me")).data
        return _checkout(visit, cart, given={"name": me["name"], "country": "BE"})

    @router.post("/checkout")
    async def check_out(request: Request) -> Response:
        visit = site.visit(request)
        form = await visit.form()
        basket = site.basket_seal.open(form.get("basket", ""), max_age_s=CHECKOUT_AGE_S)
        if basket is None:
            visit.say("That page was open for too long. Look at your cart again.", "plain")
            return visit.go("/cart")
        return await _order(visit, form, basket)

    @router.get("/orders")
    async def list_orders(request: Request, cursor: CursorText = "") -> Response:
        visit = site.visit(request)
        params = {"limit": 20} | ({"cursor": cursor} if cursor else {})
        listed = (await visit.call_as_user("GET", "/orders", params=params)).data
        following = listed["next_cursor"]
        more = f"/orders?{urlencode({'cursor': following})}" if following else ""
        return visit.page("orders.html", orders=listed["items"], more=more, later=bool(cursor))

    @router.get("/orders/{order_id}")
    async def show_order(request: Request, order_id: str) -> Response:
        return await _order_page(site.visit(request), order_id)

    @router.post("/orders/{order_id}/cancel")
    async def cancel_order(request: Request, order_id: str) -> Response:
        visit, word = site.visit(request), site.settings.order_word
        await visit.form()
        try:
            await visit.call_as_user("POST", f"/orders/{quote(order_id, safe='')}/cancel")
        except RefusedError as refused:
            if refused.status != 409:
                raise
            visit.say(f"This {word} is paid already and cannot be cancelled any more.", "bad")
        else:
            visit.say(f"Your {word} is cancelled. Nothing will be charged.", "plain")
        return visit.go(f"/orders/{quote(order_id, safe='')}")

    return router


def _quantity(text: str) -> int | None:
    cleaned = text.strip()
    if not cleaned.isascii() or not cleaned.isdigit() or len(cleaned) > 3:
        return None
    return number if (number := int(cleaned)) <= MOST_OF_ONE else None


def _checkout(
    visit: Visit,
    cart: carts.Cart,
    *,
    given: dict[str, Any],
    errors: dict[str, str] | None = None,
    basket: dict[str, Any] | None = None,
    status: int = 200,
) -> Response:
    if basket is None:
        basket = {"key": uuid4().hex, "lines": cart.quantities}
    return visit.page(
        "checkout.html",
        cart=cart,
        given={"payment_token": CARDS[0][0], **given},
        errors=errors or {},
        basket=visit.site.basket_seal.close(basket),
        countries=COUNTRIES,
        cards=CARDS,
        status=status,
    )


async def _order(visit: Visit, form: dict[str, str], basket: dict[str, Any]) -> Response:
    """Place the order of a checkout's page; show the page again when it is refused."""
    address = {name: form.get(name, "").strip() for name in ADDRESS}
    given = {**address, "payment_token": form.get("payment_token", "")}
    body: dict[str, Any] = {
        "payment_token": given["payment_token"],
        "shipping_address": address,
    }
    path = "/cart/checkout"
    if not carts.in_api(visit):
        path = "/orders"
        lines = basket["lines"].items()
        body["items"] = [
            {"product_id": product_id, "quantity": number} for product_id, number in lines
        ]
    errors = {
        name: f"{label} is missing."
        for name, label in ADDRESS.items()
        if name != "postal_code" and not address[name]
    }
    if errors:
        return _checkout(
            visit, await carts.read(visit), given=given, errors=errors, basket=basket, status=422
        )
    try:
        placed = await visit.call_as_user("POST", path, json=body, key=basket["key"])
    except RefusedError as refused:
        if refused.status == 401:
            raise
        return await _refused(visit, refused, given, basket)
    except Problem as problem:
        # Whether it was placed is not known: the same key again finds out.
        word = visit.site.settings.order_word
        text = (
            f"There was no answer in time. Press the button again: if your {word} was placed "
            "already, it is not placed twice."
        )
        try:
            cart = await carts.read(visit)
        except Problem:
            raise problem from None
        return _checkout(visit, cart, given=given, errors={"form": text}, basket=basket, status=503)
    carts.emptied(visit)
    trip = visit.site.settings.theme == "voyage"
    visit.say(f"Thank you. Your {'booking is made' if trip else 'order is placed'}.")
    return visit.go(f"/orders/{placed.data['id']}")


async def _refused(
    visit: Visit, refused: RefusedError, given: dict[str, Any], basket: dict[str, Any]
) -> Response:
    cart = await carts.read(visit)
    names = {line.product_id: line.name for line in cart.lines}
    errors = {
        name: f"{label} is not valid: {refused.fields[name]}."
        for name, label in ADDRESS.items()
        if name in refused.fields
    }
    kept: dict[str, Any] | None = basket
    if refused.code == "out_of_stock":
        parts = [
            f"{names.get(str(line['product_id']), 'one product')} ({line.get('available', 0)} left)"
            for line in refused.extra.get("short", ())
        ]
        errors["form"] = (
            f"There is not enough of {', '.join(parts) or 'everything'}. Change your cart and "
            "try again; nothing was charged."
        )
        kept = None  # the API has cancelled what this key stood for
    elif refused.code == "not_orderable":
        errors["form"] = "Something in your cart is not sold any more. Look at your cart again."
        kept = None
    elif not errors:
        errors["form"] = f"{refused.title}. {refused.detail}".strip()
        kept = None
    status = refused.status
    if not cart.lines:
        visit.say(errors.get("form", "Your cart is empty."), "bad")
        return visit.go("/cart")
    return _checkout(visit, cart, given=given, errors=errors, basket=kept, status=status)


async def _order_page(visit: Visit, order_id: str) -> Response:
    try:
        order = (await visit.call_as_user("GET", f"/orders/{quote(order_id, safe='')}")).data
    except RefusedError as refused:
        if refused.status in (404, 422):
            return visit.page("missing.html", status=404, what=visit.site.settings.order_word)
        raise
    return visit.page(
        "order.html",
        order=order,
        moving=order["status"] in MOVING,
        cancellable=order["status"] in CANCELLABLE,
    )
