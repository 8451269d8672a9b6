"""The orders' routes. Built by `app.mount` around Orders; decides nothing itself."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from tarmac_kit import Claims, CurrentUser, Problem, key_parameter
from tarmac_orders.domain import Item, Order, Quote, State
from tarmac_orders.schemas import (
    LineOut,
    OrderIn,
    OrderOut,
    OrderPageOut,
    OrderWithHistory,
    PricedOrderIn,
    StepOut,
)
from tarmac_orders.service import Orders, Request


class Scope(StrEnum):
    """Whose orders to list."""

    #: The user's own.
    MINE = "mine"
    #: Those of all customers; staff only.
    ALL = "all"


# Shown as required, and read as optional: without it the answer is a 400 that says what to send.
Key = Annotated[
    str | None, Header(alias="Idempotency-Key", max_length=200, include_in_schema=False)
]
KEY_PARAMETER = key_parameter("one order per key", most=200)
Status = Annotated[State | None, Query(alias="status")]
Limit = Annotated[int, Query(ge=1, le=100)]
CursorText = Annotated[str | None, Query(max_length=1000)]


def build_router(orders: Orders) -> APIRouter:
    """Build the routes over `orders`."""
    router = APIRouter(prefix="/orders", tags=["orders"])

    async def place(
        request: Request, user: Claims, response: Response, idempotency_key: str | None
    ) -> OrderOut:
        if not idempotency_key or not idempotency_key.strip():
            raise Problem(
                400,
                "idempotency_key_missing",
                "The header Idempotency-Key is needed",
                "send a value of your own, such as a UUID, and the same one when you try again",
            )
        placed = await orders.place(user, idempotency_key, request)
        response.headers["Location"] = f"/orders/{placed.order.id}"
        if placed.replayed:
            response.headers["Idempotency-Replayed"] = "true"
        if placed.order.state is State.PENDING:
            response.status_code = 202
        return OrderOut(**_facts(placed.order))

    async def place_order(
        body: OrderIn, user: CurrentUser, response: Response, idempotency_key: Key = None
    ) -> OrderOut:
        """Order something, once per Idempotency-Key; 202 when it is accepted but not placed yet."""
        return await place(_request(body), user, response, idempotency_key)

    async def place_priced_order(
        body: PricedOrderIn, user: CurrentUser, response: Response, idempotency_key: Key = None
    ) -> OrderOut:
        """Order something at the prices named here, once per Idempotency-Key."""
        return await place(_priced_request(body), user, response, idempotency_key)

    router.add_api_route(
        "",
        place_priced_order if orders.catalog is None else place_order,
        methods=["POST"],
        name="place_order",
        status_code=201,
        responses={
            201: {"description": "Placed: the stock is reserved and the payment asked for."},
            202: {"model": OrderOut, "description": "Accepted; it is placed as soon as it can be."},
            400: {"description": "`idempotency_key_missing`, or a body that is no JSON."},
            409: {"description": "`out_of_stock`: the order is cancelled; `short` says what is."},
        },
        openapi_extra={"parameters": [KEY_PARAMETER]},
    )

    @router.get("")
    async def list_orders(
        user: CurrentUser,
        status: Status = None,
        scope: Scope = Scope.MINE,
        limit: Limit = 20,
        cursor: CursorText = None,
    ) -> OrderPageOut:
        """List one's own orders, latest first; staff may list those of all customers."""
        page = await orders.page(
            user, all_customers=scope is Scope.ALL, state=status, limit=limit, cursor=cursor
        )
        return OrderPageOut(
            items=[OrderOut(**_facts(order)) for order in page.orders],
            next_cursor=page.next_cursor,
        )

    @router.get("/{order_id}")
    async def show_order(order_id: UUID, user: CurrentUser) -> OrderWithHistory:
        """Show an order of one's own, and the states it went through."""
        order, history = await orders.show(user, order_id)
        steps = [StepOut(status=step.state, reason=step.reason, at=step.at) for step in history]
        return OrderWithHistory(**_facts(order), history=steps)

    @router.post("/{order_id}/cancel", responses={202: {"model": OrderOut}})
    async def cancel_order(order_id: UUID, user: CurrentUser, response: Response) -> OrderOut:
        """Cancel an order that is not paid yet; 202 while its stock is still being given back."""
        order = await orders.cancel(user, order_id)
        if order.state is State.CANCELLING:
            response.status_code = 202
        return OrderOut(**_facts(order))

    return router


def _priced_request(body: PricedOrderIn) -> Request:
    address = body.shipping_address
    quotes = {
        item.product_id: Quote(
            item.product_id, item.name, item.unit_price_minor, body.currency, active=True
        )
        for item in body.items
    }
    return Request(
        items=tuple(Item(item.product_id, item.quantity) for item in body.items),
        payment_token="",
        shipping_address=address.model_dump(mode="json") if address else None,
        quotes=quotes,
    )


def _request(body: OrderIn) -> Request:
    address = body.shipping_address
    return Request(
        items=tuple(Item(item.product_id, item.quantity) for item in body.items),
        payment_token=body.payment_token,
        shipping_address=address.model_dump(mode="json") if address else None,
    )


def _facts(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "status": order.state,
        "reason": order.reason,
        "currency": order.currency,
        "total_minor": order.total_minor,
        "lines": [LineOut.model_validate(line) for line in order.lines],
        "shipping_address": order.shipping_address,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
    }
