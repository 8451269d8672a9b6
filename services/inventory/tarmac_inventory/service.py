"""Count stock, set it aside for orders, sell it, give it back.

Called by the endpoints and by the background sweep. Every method is one transaction, and each can
be asked again with the same result. Never calls another service.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from tarmac_inventory.domain import (
    Answer,
    Change,
    Level,
    Line,
    Movement,
    Reservation,
    ReservationState,
    changes,
    in_lock_order,
    on_commit,
    on_reserve,
    shortages,
)
from tarmac_inventory.repository import StockRepository
from tarmac_kit import Database, DatabaseUnavailable, Problem, get_logger

if TYPE_CHECKING:
    from tarmac_kit.database import Connection

log = get_logger(__name__)


@dataclass(frozen=True)
class ReservationResult:
    """A reservation, and whether this very request made it."""

    reservation: Reservation
    created: bool


@dataclass(frozen=True)
class Inventory:
    """The shelf over one database."""

    database: Database
    stock: StockRepository

    async def level(self, product_id: UUID) -> Level:
        """Read the level of a product that was ever counted; else problem 404."""
        async with self.database.connection() as connection:
            level = await self.stock.level(connection, product_id)
        if level is None:
            raise Problem(404, "stock_unknown", "No stock is recorded", str(product_id))
        return level

    async def levels(self, product_ids: Sequence[UUID]) -> list[Level]:
        """Read the levels of those among `product_ids` that were ever counted."""
        async with self.database.connection() as connection:
            return await self.stock.levels(connection, product_ids)

    async def count(self, product_id: UUID, on_hand: int, *, actor: str) -> Level:
        """Set what is on the shelf; below what is reserved is a problem 409."""
        async with self.database.transaction() as connection:
            if await self.stock.open_level(connection, product_id, on_hand, actor=actor):
                return Level(product_id, on_hand, 0)
            level = (await self.stock.lock_levels(connection, [product_id]))[product_id]
            if on_hand < level.reserved:
                raise Problem(
                    409,
                    "stock_reserved",
                    "More is reserved than that",
                    f"{level.reserved} are reserved for orders; on_hand cannot be {on_hand}",
                    reserved=level.reserved,
                )
            change = Change(product_id, on_hand - level.on_hand, 0)
            if change.on_hand:
                await self.stock.move(connection, Movement.COUNT, [change], actor=actor)
            return replace(level, on_hand=on_hand)

    async def reservation(self, order_id: UUID) -> Reservation:
        """Read what an order holds, held or took; else problem 404."""
        async with self.database.connection() as connection:
            found = await self.stock.find(connection, order_id)
        if found is None:
            raise _unknown(order_id)
        return found

    async def reserve(
        self, order_id: UUID, wanted: Sequence[Line], *, ttl_s: float
    ) -> ReservationResult:
        """Reserve every line or none; problem 409 says what is short."""
        lines = in_lock_order(wanted)
        async with self.database.connection() as connection:
            held = await self.stock.reserve(connection, order_id, lines, ttl_s=ttl_s)
        if held is not None:
            return ReservationResult(held, created=True)
        async with self.database.transaction() as connection:
            opened = await self.stock.open_reservation(
                connection, order_id, ReservationState.HELD, ttl_s=ttl_s
            )
            if opened is not None:
                await self._take(connection, Movement.RESERVE, order_id, lines)
                await self.stock.add_lines(connection, order_id, lines)
                return ReservationResult(replace(opened, lines=lines), created=True)
            existing = await self._locked(connection, order_id)
            answer = on_reserve(existing, lines)
            if answer is Answer.CLOSED:
                raise _closed(order_id)
            if answer is Answer.OTHER_LINES:
                raise Problem(
                    409,
                    "reservation_differs",
                    "This order reserved other lines before",
                    f"order {order_id}: release it first, or ask with the same lines",
                )
            if answer is Answer.TAKE:
                await self._take(connection, Movement.RESERVE, order_id, lines)
                existing = await self.stock.hold_again(connection, existing, ttl_s)
            return ReservationResult(existing, created=False)

    async def commit(self, order_id: UUID) -> Reservation:
        """Sell what an order holds; if its time ran out, take the stock again or problem 409.

        That answer is final: its caller gives the money back, so a second attempt must not
        sell what has come in meanwhile.
        """
        short: Problem | None = None
        async with self.database.connection() as connection:
            sold = await self.stock.sell(connection, order_id)
        if sold is not None:
            return sold
        async with self.database.transaction() as connection:
            existing = await self._locked(connection, order_id)
            answer = on_commit(existing)
            if answer is Answer.CLOSED:
                raise _closed(order_id)
            if answer is Answer.SELL:  # held again, in between
                taken = changes(Movement.COMMIT, existing.lines)
                await self.stock.lock_levels(connection, [c.product_id for c in taken])
                await self.stock.move(connection, Movement.COMMIT, taken, order_id=order_id)
            if answer is Answer.TAKE:
                try:
                    await self._take(connection, Movement.RETAKE, order_id, existing.lines)
                except Problem as problem:
                    short = problem
            state = ReservationState.RELEASED if short else ReservationState.COMMITTED
            if answer is not Answer.ALREADY:
                await self.stock.set_state(connection, order_id, state)
        if short is not None:
            raise short
        return replace(existing, state=state)

    async def release(self, order_id: UUID) -> Reservation:
        """Give back what an order holds.

        An order that holds nothing yet is barred: a request to reserve that was under way when
        its order was cancelled must not set stock aside afterwards.
        """
        async with self.database.transaction() as connection:
            barred = await self.stock.open_reservation(
                connection, order_id, ReservationState.RELEASED, ttl_s=0
            )
            if barred is not None:
                return barred
            existing = await self._locked(connection, order_id)
            if existing.state is ReservationState.COMMITTED:
                raise Problem(
                    409,
                    "reservation_committed",
                    "The stock has left the shelf",
                    f"order {order_id} was committed; count the shelf when it comes back",
                )
            if existing.state is ReservationState.HELD:
                await self._give_back(connection, Movement.RELEASE, existing)
            await self.stock.set_state(connection, order_id, ReservationState.RELEASED)
            return replace(existing, state=ReservationState.RELEASED)

    async def take_back(self, order_id: UUID) -> Reservation:
        """Put back on the shelf what an order took, which closes it; again changes nothing.

        It undoes a purchase that was sold already. What is only held is released instead.
        """
        async with self.database.transaction() as connection:
            existing = await self._locked(connection, order_id)
            if existing.state is ReservationState.RELEASED:
                return existing
            if existing.state is not ReservationState.COMMITTED:
                raise Problem(
                    409,
                    "reservation_not_committed",
                    "This order took nothing",
                    f"order {order_id} is {existing.state}; release it instead",
                )
            await self._give_back(connection, Movement.RETURN, existing)
            await self.stock.set_state(connection, order_id, ReservationState.RELEASED)
            return replace(existing, state=ReservationState.RELEASED)

    async def expire_one(self) -> bool:
        """Give back the stock of one reservation whose time is over; False when there is none."""
        async with self.database.transaction() as connection:
            order_id = await self.stock.next_expired(connection)
            if order_id is None:
                return False
            existing = await self._locked(connection, order_id)
            await self._give_back(connection, Movement.EXPIRE, existing)
            await self.stock.set_state(connection, order_id, ReservationState.EXPIRED)
        log.info("reservation expired", order_id=str(order_id))
        return True

    async def _locked(self, connection: Connection, order_id: UUID) -> Reservation:
        found = await self.stock.find(connection, order_id, lock=True)
        if found is None:
            raise _unknown(order_id)
        return found

    async def _take(
        self, connection: Connection, movement: Movement, order_id: UUID, lines: Sequence[Line]
    ) -> None:
        levels = await self.stock.lock_levels(connection, [line.product_id for line in lines])
        short = shortages(lines, levels)
        if short:
            # Nothing of this movement is written by now; what its caller wrote is undone unless
            # it handles the problem.
            raise Problem(
                409,
                "out_of_stock",
                "There is not enough of everything",
                f"{len(short)} product(s) of order {order_id} are short",
                short=[
                    {
                        "product_id": str(shortage.product_id),
                        "wanted": shortage.wanted,
                        "available": shortage.available,
                    }
                    for shortage in short
                ],
            )
        await self.stock.move(connection, movement, changes(movement, lines), order_id=order_id)

    async def _give_back(
        self, connection: Connection, movement: Movement, existing: Reservation
    ) -> None:
        moved = changes(movement, existing.lines)
        await self.stock.lock_levels(connection, [change.product_id for change in moved])
        await self.stock.move(connection, movement, moved, order_id=existing.order_id)


async def sweep(inventory: Inventory, *, interval_s: float) -> None:
    """Expire reservations for as long as the process lives."""
    while True:
        try:
            while await inventory.expire_one():
                pass
        except DatabaseUnavailable as error:
            log.warning("the sweep is waiting for the database", error=str(error))
        await asyncio.sleep(interval_s)


def _unknown(order_id: UUID) -> Problem:
    return Problem(404, "reservation_unknown", "This order has no reservation", f"order {order_id}")


def _closed(order_id: UUID) -> Problem:
    return Problem(
        409,
        "reservation_released",
        "This order gave its stock back",
        f"order {order_id} was released; a new order is needed",
    )
