"""The orders' SQL, all of it. Called by the service and the steps inside their transactions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tarmac_kit.inbox import insert_first
from tarmac_kit.outbox import Row, insert_for
from tarmac_kit.repository import fetch_all
from tarmac_orders.domain import Line, NewOrder, Order, State, Step

if TYPE_CHECKING:
    from tarmac_kit.database import Connection

#: The longest pause between two attempts of the sweep.
LONGEST_S = 15.0

_COLUMNS = """
    id, customer_id, email, idempotency_key, fingerprint, state, reason, currency, total_minor,
    payment_token, shipping_address, short, accepted, created_at, updated_at
"""

# The lines come with their order, in one round trip.
_WITH_LINES = f"""
    {_COLUMNS},
    (SELECT jsonb_agg(jsonb_build_object(
                'product_id', l.product_id, 'name', l.name, 'quantity', l.quantity,
                'unit_price_minor', l.unit_price_minor) ORDER BY l.position)
       FROM order_lines l WHERE l.order_id = o.id) AS lines
"""  # noqa: S608 - constants of this file; values are always parameters

# Order, lines and history in one statement. Of two requests with one key the second waits here for
# the first one's commit, then adds nothing.
_ADD = """
WITH added AS (
    INSERT INTO orders (id, customer_id, email, idempotency_key, fingerprint, currency,
                        total_minor, payment_token, shipping_address, step_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + make_interval(secs => $10))
    ON CONFLICT ON CONSTRAINT one_order_per_key DO NOTHING
    RETURNING id, state, created_at, updated_at
), lines AS (
    INSERT INTO order_lines (order_id, position, product_id, name, quantity, unit_price_minor)
    SELECT added.id, l.position, l.product_id, l.name, l.quantity, l.unit_price_minor
      FROM added, unnest($11::uuid[], $12::text[], $13::int[], $14::bigint[]) WITH ORDINALITY
           AS l (product_id, name, quantity, unit_price_minor, position)
), noted AS (
    INSERT INTO order_history (order_id, state) SELECT id, state FROM added
)
SELECT state, created_at, updated_at FROM added
"""

_FIND = f"SELECT {_WITH_LINES} FROM orders o WHERE id = $1"  # noqa: S608

_FIND_LOCKED = _FIND + " FOR UPDATE"

_FIND_BY_KEY = f"""
SELECT {_WITH_LINES} FROM orders o WHERE customer_id = $1 AND idempotency_key = $2
"""  # noqa: S608

_HISTORY = "SELECT state, reason, at FROM order_history WHERE order_id = $1 ORDER BY seq"

_LIST = f"""
SELECT {_WITH_LINES} FROM orders o
 WHERE ($1::text IS NULL OR customer_id = $1)
   AND ($2::text IS NULL OR state = $2)
   AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
 ORDER BY created_at DESC, id DESC LIMIT $5
"""  # noqa: S608

# The states in the WHERE are the guard: the second caller changes nothing. An event is written with
# its order, in the same statement.
_MOVED = """
    UPDATE orders
       SET state = $3, reason = coalesce($4, reason), short = coalesce($5, short),
           accepted = accepted OR $3 IN ('placed', 'paid', 'confirmed'),
           updated_at = now(), attempts = 0, step_at = now() + make_interval(secs => $6)
     WHERE id = $1 AND state = ANY($2::text[])
"""

_NOTED = "INSERT INTO order_history (order_id, state, reason) SELECT id, state, $4 FROM o"

_MOVE = f"""
WITH o AS ({_MOVED} RETURNING {_COLUMNS}), noted AS ({_NOTED}), event AS (
    {insert_for("o", "jsonb_set($7, ARRAY['payload', $3 || '_at'], to_jsonb(o.updated_at))")}
)
SELECT {_WITH_LINES} FROM o
"""  # noqa: S608

# A message about an order that is not there is not noted: read again, it must be missed again.
_MOVE_ONCE = f"""
WITH heard AS (
    {insert_first("$7", "$8", where="EXISTS (SELECT FROM orders WHERE id = $1)")}
), o AS ({_MOVED} AND EXISTS (SELECT FROM heard) RETURNING {_COLUMNS}), noted AS ({_NOTED})
SELECT {_WITH_LINES} FROM heard LEFT JOIN o ON true
"""  # noqa: S608

# Only while it is pending: what was refused meanwhile stays refused.
_ACCEPT = f"""
UPDATE orders o SET accepted = true WHERE id = $1 AND state = 'pending' RETURNING {_WITH_LINES}
"""  # noqa: S608

# A lease: the orders are claimed for as long as a step may take, and twice as long each time one
# comes to nothing. SKIP LOCKED lets two replicas claim side by side.
_CLAIM = """
UPDATE orders
   SET attempts = attempts + 1,
       step_at = now() + make_interval(secs => least($1 * power(2, least(attempts, 10)), $2))
 WHERE id IN (SELECT id FROM orders
               WHERE state IN ('pending', 'paid', 'cancelling') AND step_at <= now()
               ORDER BY step_at LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING id
"""


class OrderRepository:
    """Reads and writes orders, their lines and their history."""

    async def add(
        self, connection: Connection, new: NewOrder, *, sweep_after_s: float
    ) -> Order | None:
        """Insert a pending order; None when the customer used its key before."""
        row = await connection.fetchrow(
            _ADD,
            new.id,
            new.customer_id,
            new.email,
            new.idempotency_key,
            new.fingerprint,
            new.currency,
            new.total_minor,
            new.payment_token,
            new.shipping_address,
            sweep_after_s,
            [line.product_id for line in new.lines],
            [line.name for line in new.lines],
            [line.quantity for line in new.lines],
            [line.unit_price_minor for line in new.lines],
        )
        if row is None:
            return None
        return Order(
            **vars(new),
            state=State(row["state"]),
            reason=None,
            short=None,
            accepted=False,
            created_at=row["created_at"],
            updated_at=row["updated_at"],
        )

    async def find(
        self, connection: Connection, order_id: UUID, *, lock: bool = False
    ) -> Order | None:
        """Read an order with its lines, locked if asked."""
        return _order(await connection.fetchrow(_FIND_LOCKED if lock else _FIND, order_id))

    async def find_by_key(
        self, connection: Connection, customer_id: str, idempotency_key: str
    ) -> Order | None:
        """Read the order that a customer's key made."""
        return _order(await connection.fetchrow(_FIND_BY_KEY, customer_id, idempotency_key))

    async def page(
        self,
        connection: Connection,
        *,
        customer_id: str | None,
        state: State | None,
        after: tuple[datetime, UUID] | None,
        limit: int,
    ) -> Sequence[Order]:
        """Read up to `limit` orders, latest first; of all customers when `customer_id` is None."""
        created_at, order_id = after or (None, None)
        rows = await connection.fetch(
            _LIST, customer_id, state.value if state else None, created_at, order_id, limit
        )
        return [order for row in rows if (order := _order(row))]

    async def history(self, connection: Connection, order_id: UUID) -> Sequence[Step]:
        """Read the states that an order went through, first to last."""
        return await fetch_all(connection, _HISTORY, order_id, into=Step)

    async def move(
        self,
        connection: Connection,
        order_id: UUID,
        *,
        of: Collection[State],
        to: State,
        reason: str | None = None,
        short: Sequence[dict[str, Any]] | None = None,
        sweep_after_s: float = 0.0,
        event: Row | None = None,
    ) -> Order | None:
        """Move an order on if it is in one of the states `of`; else None, and nothing changes.

        Its event, if there is one, is written with it, with the time of the change in `<to>_at`.
        """
        row = await connection.fetchrow(
            _MOVE,
            order_id,
            [state.value for state in of],
            to.value,
            reason,
            None if short is None else [*short],
            sweep_after_s,
            event,
        )
        return _order(row)

    async def move_once(
        self,
        connection: Connection,
        order_id: UUID,
        *,
        consumer: str,
        message_id: str,
        of: Collection[State],
        to: State,
        reason: str | None = None,
        sweep_after_s: float = 0.0,
    ) -> tuple[bool, Order | None]:
        """Move an order on as `move` does, if a message about it is heard for the first time.

        Returns whether it is noted as heard now, and the order if it moved. A message about an
        order that is not there is not noted.
        """
        row = await connection.fetchrow(
            _MOVE_ONCE,
            order_id,
            [state.value for state in of],
            to.value,
            reason,
            None,
            sweep_after_s,
            consumer,
            message_id,
        )
        return row is not None, None if row is None or row["id"] is None else _order(row)

    async def accept(self, connection: Connection, order_id: UUID) -> Order | None:
        """Note that the customer hears of a pending order; None when it is pending no more."""
        return _order(await connection.fetchrow(_ACCEPT, order_id))

    async def claim(self, connection: Connection, limit: int, *, lease_s: float) -> Sequence[UUID]:
        """Claim up to `limit` orders whose next step is due and that no other process works on."""
        rows = await connection.fetch(_CLAIM, lease_s, LONGEST_S, limit)
        return [row["id"] for row in rows]


def _order(row: Any) -> Order | None:
    if row is None:
        return None
    values = dict(row.items())
    lines = tuple(
        Line(**{**line, "product_id": UUID(line["product_id"])}) for line in values["lines"] or ()
    )
    return Order(**{**values, "state": State(values["state"]), "lines": lines})
