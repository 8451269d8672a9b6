"""The portfolio's routes. Built by `app.mount` around Portfolios; decides nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Protocol
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from tarmac_kit import CurrentUser, key_parameter, require_key
from tarmac_portfolio.domain import Status, Wish
from tarmac_portfolio.schemas import (
    AccountOut,
    DepositIn,
    DepositOut,
    OrderIn,
    OrderOut,
    OrdersOut,
    PositionOut,
    PositionsOut,
    TradeOut,
    TradesOut,
)
from tarmac_portfolio.service import Portfolios, ValuedPosition

# Shown as required, and read as optional: without it the answer is a 400 that says what to send.
Key = Annotated[
    str | None, Header(alias="Idempotency-Key", max_length=255, include_in_schema=False)
]
KEY_PARAMETER = key_parameter("one effect per key")
StatusFilter = Annotated[Status | None, Query(alias="status")]
Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$", description="From `next_cursor`.")]


class HasSeq(Protocol):
    """Something that a list is ordered by."""

    @property
    def seq(self) -> int: ...


def build_router(portfolios: Portfolios) -> APIRouter:
    """Build the routes over `portfolios`."""
    router = APIRouter(prefix="/portfolio", tags=["portfolio"])

    @router.get("/account")
    async def show_account(user: CurrentUser) -> AccountOut:
        """Show one's cash, and what of it open orders hold."""
        return AccountOut.model_validate(await portfolios.account(user))

    @router.post(
        "/deposits",
        status_code=201,
        responses={400: {"description": "`idempotency_key_required`, or a body that is no JSON."}},
        openapi_extra={"parameters": [KEY_PARAMETER]},
    )
    async def deposit(
        body: DepositIn, user: CurrentUser, response: Response, idempotency_key: Key = None
    ) -> DepositOut:
        """Put cash into one's account, once per Idempotency-Key."""
        made = await portfolios.deposit(user, require_key(idempotency_key), body.amount_minor)
        _say_if_replayed(response, replayed=made.replayed)
        return DepositOut(
            id=made.deposit.id,
            amount_minor=made.deposit.amount_minor,
            currency=made.currency,
            created_at=made.deposit.created_at,
        )

    @router.get("/positions")
    async def list_positions(user: CurrentUser) -> PositionsOut:
        """List what one has; without a price while the market is away."""
        return PositionsOut(
            items=[_position(position) for position in await portfolios.positions(user)]
        )

    @router.post(
        "/orders",
        status_code=201,
        responses={
            201: {"description": "Filled at the quote."},
            202: {"model": OrderOut, "description": "Open: it is filled when its price comes."},
            400: {"description": "`idempotency_key_required`, or a body that is no JSON."},
            409: {
                "description": "Rejected: `insufficient_funds` or `insufficient_shares`. Not kept: "
                "`too_many_open_orders`."
            },
            503: {"description": "`quotes_unavailable`: nothing was kept; the same key again."},
        },
        openapi_extra={"parameters": [KEY_PARAMETER]},
    )
    async def place_order(
        body: OrderIn, user: CurrentUser, response: Response, idempotency_key: Key = None
    ) -> OrderOut:
        """Buy or sell, once per Idempotency-Key; 202 when the order waits for its price."""
        key, wish = require_key(idempotency_key), Wish(**body.model_dump())
        placed = await portfolios.place(user, key, wish)
        response.headers["Location"] = f"/portfolio/orders/{placed.order.id}"
        _say_if_replayed(response, replayed=placed.replayed)
        if placed.order.status is Status.OPEN:
            response.status_code = 202
        return OrderOut.model_validate(placed.order)

    @router.get("/orders")
    async def list_orders(
        user: CurrentUser, status: StatusFilter = None, limit: Limit = 20, cursor: Cursor = None
    ) -> OrdersOut:
        """List one's orders, latest first."""
        found = await portfolios.orders(
            user, status=status, before=_before(cursor), limit=limit + 1
        )
        return OrdersOut(
            items=[OrderOut.model_validate(order) for order in found[:limit]],
            next_cursor=_next_cursor(found, limit),
        )

    @router.get("/orders/{order_id}")
    async def show_order(order_id: UUID, user: CurrentUser) -> OrderOut:
        """Show an order of one's own."""
        return OrderOut.model_validate(await portfolios.order(user, order_id))

    @router.post("/orders/{order_id}/cancel")
    async def cancel_order(order_id: UUID, user: CurrentUser) -> OrderOut:
        """Cancel an order that stands open; what it held is free again."""
        return OrderOut.model_validate(await portfolios.cancel(user, order_id))

    @router.get("/trades")
    async def list_trades(user: CurrentUser, limit: Limit = 20, cursor: Cursor = None) -> TradesOut:
        """List one's trades, latest first."""
        found = await portfolios.trades(user, before=_before(cursor), limit=limit + 1)
        return TradesOut(
            items=[TradeOut.model_validate(trade) for trade in found[:limit]],
            next_cursor=_next_cursor(found, limit),
        )

    return router


def _say_if_replayed(response: Response, *, replayed: bool) -> None:
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"


def _before(cursor: str | None) -> int | None:
    return None if cursor is None else int(cursor)


def _next_cursor(found: Sequence[HasSeq], limit: int) -> str | None:
    return str(found[limit - 1].seq) if len(found) > limit else None


def _position(valued: ValuedPosition) -> PositionOut:
    position, price_minor = valued.position, valued.price_minor
    facts: dict[str, Any] = {
        "symbol": position.symbol,
        "quantity": position.quantity,
        "held": position.held,
        "cost_minor": position.cost_minor,
    }
    value_minor = None if price_minor is None else price_minor * position.quantity
    return PositionOut(**facts, price_minor=price_minor, value_minor=value_minor)
