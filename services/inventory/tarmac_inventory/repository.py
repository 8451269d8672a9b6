"""The inventory's SQL, all of it. Called by the service inside its transactions.

Lock order, the same everywhere: first the reservation, then the stock rows by product id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from asyncpg import IntegrityConstraintViolationError

from tarmac_inventory.domain import (
    Change,
    Level,
    Line,
    Movement,
    Reservation,
    ReservationState,
)
from tarmac_kit.repository import fetch_all, fetch_one

if TYPE_CHECKING:
    from tarmac_kit.database import Connection

_LEVEL = "SELECT product_id, on_hand, reserved FROM stock WHERE product_id = $1"

_LEVELS = """
SELECT product_id, on_hand, reserved FROM stock
 WHERE product_id = ANY($1::uuid[]) ORDER BY product_id
"""

# ORDER BY is applied before the row locks, so the rows are locked in product order.
_LOCK_LEVELS = """
SELECT product_id, on_hand, reserved FROM stock
 WHERE product_id = ANY($1::uuid[]) ORDER BY product_id FOR NO KEY UPDATE
"""

_MOVE = """
WITH c AS (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[]) AS c (product_id, on_hand, reserved)
), noted AS (
    INSERT INTO stock_ledger
           (product_id, movement, on_hand_change, reserved_change, order_id, actor)
    SELECT product_id, $4, on_hand, reserved, $5, $6 FROM c ORDER BY product_id
)
UPDATE stock SET on_hand = stock.on_hand + c.on_hand, reserved = stock.reserved + c.reserved,
                 updated_at = now()
  FROM c WHERE stock.product_id = c.product_id
"""

_OPEN_LEVEL = """
WITH opened AS (
    INSERT INTO stock (product_id, on_hand) VALUES ($1, $2)
    ON CONFLICT (product_id) DO NOTHING RETURNING product_id, on_hand
), noted AS (
    INSERT INTO stock_ledger (product_id, movement, on_hand_change, reserved_change, actor)
    SELECT product_id, $3, on_hand, 0, $4 FROM opened
)
SELECT product_id FROM opened
"""

# The usual case in one statement, all of it or nothing: the table's constraints refuse more than
# there is, and the ledger's a product that was never counted. For an order that has a reservation
# nothing changes. The order of locks is kept: the rows of the stock are read for what was written.
_RESERVE = """
WITH opened AS (
    INSERT INTO reservations (order_id, state, expires_at)
    VALUES ($1, 'held', now() + make_interval(secs => $4)) ON CONFLICT (order_id) DO NOTHING
    RETURNING order_id, expires_at
), wanted AS (
    SELECT order_id, w.product_id, w.quantity
      FROM opened, unnest($2::uuid[], $3::int[]) AS w (product_id, quantity)
), lines AS (
    INSERT INTO reservation_lines (order_id, product_id, quantity) SELECT * FROM wanted
), locked AS (
    SELECT product_id FROM stock WHERE product_id IN (SELECT product_id FROM wanted)
     ORDER BY product_id FOR NO KEY UPDATE
), moved AS (
    UPDATE stock SET reserved = reserved + quantity, updated_at = now()
      FROM locked JOIN wanted USING (product_id) WHERE stock.product_id = locked.product_id
    RETURNING stock.product_id, quantity
), noted AS (
    INSERT INTO stock_ledger (product_id, movement, on_hand_change, reserved_change, order_id)
    SELECT wanted.product_id, 'reserve', 0, moved.quantity, order_id
      FROM wanted LEFT JOIN moved USING (product_id) ORDER BY wanted.product_id
)
SELECT expires_at FROM opened
"""

# As above, of what is held.
_SELL = """
WITH sold AS (
    UPDATE reservations SET state = 'committed', updated_at = now()
     WHERE order_id = $1 AND state = 'held' RETURNING order_id, expires_at
), taken AS (
    SELECT order_id, product_id, quantity FROM sold JOIN reservation_lines USING (order_id)
), locked AS (
    SELECT product_id FROM stock WHERE product_id IN (SELECT product_id FROM taken)
     ORDER BY product_id FOR NO KEY UPDATE
), moved AS (
    UPDATE stock SET on_hand = on_hand - quantity, reserved = reserved - quantity,
                     updated_at = now()
      FROM locked JOIN taken USING (product_id) WHERE stock.product_id = locked.product_id
    RETURNING stock.product_id, quantity
), noted AS (
    INSERT INTO stock_ledger (product_id, movement, on_hand_change, reserved_change, order_id)
    SELECT taken.product_id, 'commit', -moved.quantity, -moved.quantity, order_id
      FROM taken LEFT JOIN moved USING (product_id) ORDER BY taken.product_id
)
SELECT expires_at,
       (SELECT array_agg(product_id ORDER BY product_id) FROM taken) AS products,
       (SELECT array_agg(quantity ORDER BY product_id) FROM taken) AS quantities
  FROM sold
"""

# A second request for the same order waits here until the first one's transaction has ended.
_OPEN = """
INSERT INTO reservations (order_id, state, expires_at)
VALUES ($1, $2, now() + make_interval(secs => $3)) ON CONFLICT (order_id) DO NOTHING
RETURNING expires_at
"""

_ADD_LINES = """
INSERT INTO reservation_lines (order_id, product_id, quantity)
SELECT $1, l.product_id, l.quantity
  FROM unnest($2::uuid[], $3::int[]) AS l (product_id, quantity)
"""

_FIND = "SELECT order_id, state, expires_at FROM reservations WHERE order_id = $1"

_FIND_LOCKED = _FIND + " FOR UPDATE"

_LINES = """
SELECT product_id, quantity FROM reservation_lines WHERE order_id = $1 ORDER BY product_id
"""

_SET_STATE = "UPDATE reservations SET state = $2, updated_at = now() WHERE order_id = $1"

_HOLD_AGAIN = """
UPDATE reservations SET state = 'held', updated_at = now(),
                        expires_at = now() + make_interval(secs => $2)
 WHERE order_id = $1 RETURNING expires_at
"""

# SKIP LOCKED: two replicas sweep side by side, and neither waits for a request that is at work.
_NEXT_EXPIRED = """
SELECT order_id FROM reservations
 WHERE state = 'held' AND expires_at <= now()
 ORDER BY expires_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""


class StockRepository:
    """Reads and writes stock, the ledger and reservations."""

    async def level(self, connection: Connection, product_id: UUID) -> Level | None:
        """Read one product's level."""
        return await fetch_one(connection, _LEVEL, product_id, into=Level)

    async def levels(self, connection: Connection, product_ids: Sequence[UUID]) -> list[Level]:
        """Read the levels of those among `product_ids` that were ever counted."""
        return await fetch_all(connection, _LEVELS, list(product_ids), into=Level)

    async def lock_levels(
        self, connection: Connection, product_ids: Sequence[UUID]
    ) -> dict[UUID, Level]:
        """Lock and read the levels of `product_ids`, in product order."""
        levels = await fetch_all(connection, _LOCK_LEVELS, list(product_ids), into=Level)
        return {level.product_id: level for level in levels}

    async def open_level(
        self, connection: Connection, product_id: UUID, on_hand: int, *, actor: str
    ) -> bool:
        """Write the first level of a product and its ledger row; False when it has one."""
        values = (product_id, on_hand, Movement.OPENING.value, actor)
        return await connection.fetchval(_OPEN_LEVEL, *values) is not None

    async def move(
        self,
        connection: Connection,
        movement: Movement,
        moved: Sequence[Change],
        *,
        order_id: UUID | None = None,
        actor: str | None = None,
    ) -> None:
        """Change levels and write a ledger row for each; constraints refuse to oversell."""
        await connection.execute(
            _MOVE,
            [change.product_id for change in moved],
            [change.on_hand for change in moved],
            [change.reserved for change in moved],
            movement.value,
            order_id,
            actor,
        )

    async def reserve(
        self, connection: Connection, order_id: UUID, lines: Sequence[Line], *, ttl_s: float
    ) -> Reservation | None:
        """Reserve every line; None, and no change, where stock is short or the order has one.

        One statement, for a connection without a transaction.
        """
        products = [line.product_id for line in lines]
        quantities = [line.quantity for line in lines]
        try:
            expires_at = await connection.fetchval(_RESERVE, order_id, products, quantities, ttl_s)
        except IntegrityConstraintViolationError:
            return None
        if expires_at is None:
            return None
        return Reservation(order_id, ReservationState.HELD, expires_at, tuple(lines))

    async def sell(self, connection: Connection, order_id: UUID) -> Reservation | None:
        """Sell what an order holds; None, and nothing is changed, where it holds nothing now."""
        row = await connection.fetchrow(_SELL, order_id)
        if row is None:
            return None
        taken = zip(row["products"] or (), row["quantities"] or (), strict=True)
        lines = tuple(Line(product_id, quantity) for product_id, quantity in taken)
        return Reservation(order_id, ReservationState.COMMITTED, row["expires_at"], lines)

    async def open_reservation(
        self, connection: Connection, order_id: UUID, state: ReservationState, *, ttl_s: float
    ) -> Reservation | None:
        """Insert a reservation without lines; None when the order has one."""
        expires_at = await connection.fetchval(_OPEN, order_id, state.value, ttl_s)
        if expires_at is None:
            return None
        return Reservation(order_id, state, expires_at, lines=())

    async def add_lines(
        self, connection: Connection, order_id: UUID, lines: Sequence[Line]
    ) -> None:
        """Write a reservation's lines."""
        await connection.execute(
            _ADD_LINES,
            order_id,
            [line.product_id for line in lines],
            [line.quantity for line in lines],
        )

    async def find(
        self, connection: Connection, order_id: UUID, *, lock: bool = False
    ) -> Reservation | None:
        """Read a reservation with its lines in product order, locked if asked."""
        row = await connection.fetchrow(_FIND_LOCKED if lock else _FIND, order_id)
        if row is None:
            return None
        lines = await fetch_all(connection, _LINES, order_id, into=Line)
        return Reservation(
            order_id=row["order_id"],
            state=ReservationState(row["state"]),
            expires_at=row["expires_at"],
            lines=tuple(lines),
        )

    async def set_state(
        self, connection: Connection, order_id: UUID, state: ReservationState
    ) -> None:
        """Move a locked reservation on."""
        await connection.execute(_SET_STATE, order_id, state.value)

    async def hold_again(
        self, connection: Connection, reservation: Reservation, ttl_s: float
    ) -> Reservation:
        """Hold a locked, expired reservation once more, for `ttl_s` from now."""
        expires_at = await connection.fetchval(_HOLD_AGAIN, reservation.order_id, ttl_s)
        return Reservation(
            reservation.order_id, ReservationState.HELD, expires_at, reservation.lines
        )

    async def next_expired(self, connection: Connection) -> UUID | None:
        """Lock the reservation that ran out first and that no other process works on."""
        found: UUID | None = await connection.fetchval(_NEXT_EXPIRED)
        return found
