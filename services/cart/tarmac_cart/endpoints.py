"""The cart's routes. Built by `app.mount` around Carts; decides nothing itself."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse

from tarmac_cart.schemas import CartOut, CheckoutIn, LineIn, LineOut
from tarmac_cart.service import Carts, CartView
from tarmac_kit import CurrentUser, key_parameter, require_key

# Shown as required, and read as optional: without it the answer is a 400 that says what to send.
Key = Annotated[
    str | None, Header(alias="Idempotency-Key", max_length=200, include_in_schema=False)
]
KEY_PARAMETER = key_parameter(most=200)


def build_router(carts: Carts) -> APIRouter:
    """Build the routes over `carts`."""
    router = APIRouter(prefix="/cart", tags=["cart"])

    @router.get("")
    async def show_cart(user: CurrentUser) -> CartOut:
        """Show one's cart with today's prices; an empty one where nothing was put in."""
        return _shown(await carts.show(user.subject))

    @router.put(
        "/lines/{product_id}",
        responses={409: {"description": "`cart_full`."}, 422: {"description": "`not_for_sale`."}},
    )
    async def set_line(product_id: UUID, body: LineIn, user: CurrentUser) -> CartOut:
        """Have so many of a product in the cart."""
        return _shown(await carts.put(user.subject, product_id, body.quantity))

    @router.delete("/lines/{product_id}")
    async def remove_line(product_id: UUID, user: CurrentUser) -> CartOut:
        """Take a product out of the cart; one that is not in it is fine."""
        return _shown(await carts.remove(user.subject, product_id))

    @router.post(
        "/checkout",
        status_code=201,
        responses={
            201: {"description": "The order, as `POST /orders` answers it."},
            202: {"description": "Accepted; it is placed as soon as it can be."},
            400: {"description": "`idempotency_key_required`, or a body that is no JSON."},
            409: {"description": "`cart_empty`, `out_of_stock`, `already_ordered`."},
        },
        openapi_extra={"parameters": [KEY_PARAMETER]},
    )
    async def check_out(
        body: CheckoutIn, user: CurrentUser, idempotency_key: Key = None
    ) -> JSONResponse:
        """Order what is in the cart, once, however often it is asked for."""
        key = require_key(idempotency_key)
        rest: dict[str, Any] = body.model_dump(exclude_none=True)
        answer = await carts.check_out(user.subject, key, rest)
        media = answer.headers.get("content-type", "application/json")
        kept = ("location", "idempotency-replayed", "retry-after")
        headers = {name: answer.headers[name] for name in kept if name in answer.headers}
        return JSONResponse(answer.json(), answer.status, headers=headers, media_type=media)

    return router


def _shown(seen: CartView) -> CartOut:
    return CartOut(
        id=seen.cart.id,
        version=seen.cart.version,
        currency=seen.total[0] if seen.total else None,
        total_minor=seen.total[1] if seen.total else None,
        lines=[
            LineOut(
                product_id=line.product_id,
                quantity=line.quantity,
                name=quote.name if quote else None,
                unit_price_minor=quote.price_minor if quote else None,
                available=quote.active if quote else seen.degraded,
            )
            for line in seen.cart.lines
            for quote in (seen.quotes.get(line.product_id),)
        ],
        degraded=["catalog"] if seen.degraded else [],
    )
