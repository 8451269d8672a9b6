"""The inventory's routes. Built by `app.mount` around an Inventory; decides nothing itself.

`/reservations` and `/stock-levels` are for other services: no gateway routes them, so they ask for
no token.
"""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Response

from tarmac_inventory.domain import Line
from tarmac_inventory.schemas import (
    LevelsIn,
    LevelsOut,
    ReservationIn,
    ReservationOut,
    StockIn,
    StockOut,
)
from tarmac_inventory.service import Inventory
from tarmac_kit import CurrentUser, require_role

_STAFF = [Depends(require_role("staff"))]


def build_router(inventory: Inventory) -> APIRouter:
    """Build the routes over `inventory`."""
    router = APIRouter(tags=["inventory"])

    @router.get("/products/{product_id}/stock")
    async def show_stock(product_id: UUID) -> StockOut:
        """Show how many of a product can be bought."""
        return StockOut.model_validate(await inventory.level(product_id))

    @router.put("/products/{product_id}/stock", dependencies=_STAFF)
    async def count_stock(product_id: UUID, body: StockIn, user: CurrentUser) -> StockOut:
        """Set what is on the shelf (staff)."""
        level = await inventory.count(product_id, body.on_hand, actor=user.subject)
        return StockOut.model_validate(level)

    @router.post("/stock-levels")
    async def look_up_levels(body: LevelsIn) -> LevelsOut:
        """Look up the stock of many products at once (for other services; no gateway routes it)."""
        levels = await inventory.levels(body.product_ids)
        return LevelsOut(levels=[StockOut.model_validate(level) for level in levels])

    @router.put("/reservations/{order_id}")
    async def reserve(order_id: UUID, body: ReservationIn, response: Response) -> ReservationOut:
        """Set stock aside for an order, all lines or none; asking again changes nothing."""
        lines = [Line(line.product_id, line.quantity) for line in body.lines]
        reserved = await inventory.reserve(order_id, lines, ttl_s=body.ttl_s)
        response.status_code = 201 if reserved.created else 200
        return ReservationOut.model_validate(reserved.reservation)

    @router.get("/reservations/{order_id}")
    async def show_reservation(order_id: UUID) -> ReservationOut:
        """Show what an order holds, held or took."""
        return ReservationOut.model_validate(await inventory.reservation(order_id))

    @router.post("/reservations/{order_id}/commit")
    async def commit(order_id: UUID) -> ReservationOut:
        """Sell what an order holds; asking again changes nothing."""
        return ReservationOut.model_validate(await inventory.commit(order_id))

    @router.post("/reservations/{order_id}/return")
    async def take_back(order_id: UUID) -> ReservationOut:
        """Take back what an order bought, which undoes it; asking again changes nothing."""
        return ReservationOut.model_validate(await inventory.take_back(order_id))

    @router.delete("/reservations/{order_id}")
    async def release(order_id: UUID) -> ReservationOut:
        """Give back what an order holds; asking again changes nothing."""
        return ReservationOut.model_validate(await inventory.release(order_id))

    return router
