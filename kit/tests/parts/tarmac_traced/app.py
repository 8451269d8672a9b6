"""A part that is both ends: it takes orders, or keeps stock and handles what was ordered."""

from __future__ import annotations

from fastapi import APIRouter

from tarmac_kit import Chassis, Message, Part


def mount(chassis: Chassis) -> None:
    """Wire the part; which end it is follows from what is bound."""
    router = APIRouter()
    database = chassis.database()
    outbox, inbox = chassis.outbox(database), chassis.inbox(database)
    stock = chassis.client("stock") if chassis.bound("STOCK_URL") else None

    @router.get("/stock/{item}")
    async def left(item: str) -> dict[str, str | int]:
        async with database.connection() as conn:
            return {"item": item, "left": await conn.fetchval("select 7")}

    @router.post("/orders/{item}")
    async def place(item: str) -> int:
        assert stock is not None
        (await stock.get(f"/stock/{item}")).json()
        async with database.transaction() as conn:
            await outbox.add(
                conn, topic="order.placed", aggregate_type="order", aggregate_id=item, payload={}
            )
        return 1

    async def handle(message: Message) -> None:
        async with database.transaction() as conn:
            await inbox.first_time(conn, consumer="c", message_id=message.id)

    chassis.consume("order.placed", handle, group="c")
    chassis.include(router)


PART = Part(name="traced", mount=mount)
