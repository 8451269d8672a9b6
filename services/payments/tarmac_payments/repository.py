"""The payments' SQL and the sandbox provider's, all of it. Called in their transactions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tarmac_payments.domain import Charge, NewPayment, Payment, State

if TYPE_CHECKING:
    from tarmac_kit.database import Connection

#: The longest pause between two attempts of the sweep.
LONGEST_S = 15.0

_COLUMNS = """
    id, order_id, customer_id, amount_minor, currency, payment_token, state, reason,
    provider_reference, cancelled, created_at, updated_at
"""

# Of two messages about one order the second waits here for the first one's transaction.
_ADD = f"""
INSERT INTO payments (id, order_id, customer_id, amount_minor, currency, payment_token, state,
                      step_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8))
ON CONFLICT ON CONSTRAINT one_payment_per_order DO NOTHING
RETURNING {_COLUMNS}
"""  # noqa: S608 - constants of this file; values are always parameters

_FIND = f"SELECT {_COLUMNS} FROM payments WHERE id = $1"  # noqa: S608

_FIND_OF_ORDER = f"SELECT {_COLUMNS} FROM payments WHERE order_id = $1"  # noqa: S608

# The states in the WHERE are the guard: a result that comes twice changes nothing the second time.
_MOVE = f"""
UPDATE payments
   SET state = $3, reason = coalesce($4, reason), attempts = 0, updated_at = now(),
       provider_reference = coalesce($5, provider_reference),
       step_at = now() + make_interval(secs => $6)
 WHERE id = $1 AND state = ANY($2::text[])
RETURNING {_COLUMNS}
"""  # noqa: S608

_MARK_CANCELLED = "UPDATE payments SET cancelled = true, updated_at = now() WHERE id = $1"

# A lease: claimed for as long as a call may take, and twice as long each time it comes to nothing.
_CLAIM = """
UPDATE payments
   SET attempts = attempts + 1,
       step_at = now() + make_interval(secs => least($1 * power(2, least(attempts, 10)), $2))
 WHERE id IN (SELECT id FROM payments
               WHERE state IN ('processing', 'refunding') AND step_at <= now()
               ORDER BY step_at LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING id
"""

_COUNT_CALL = """
INSERT INTO sandbox_calls AS c (idempotency_key, calls) VALUES ($1, 1)
ON CONFLICT (idempotency_key) DO UPDATE SET calls = c.calls + 1 RETURNING calls
"""

_BOOK_CHARGE = """
INSERT INTO sandbox_charges (idempotency_key, token, amount_minor, currency, reference, declined)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (idempotency_key) DO NOTHING
"""

_FIND_CHARGE = """
SELECT token, amount_minor, currency, reference, declined FROM sandbox_charges
 WHERE idempotency_key = $1
"""

_BOOK_REFUND = """
INSERT INTO sandbox_refunds (idempotency_key, reference, amount_minor)
VALUES ($1, $2, $3) ON CONFLICT (idempotency_key) DO NOTHING
"""


class PaymentRepository:
    """Reads and writes payments."""

    async def add(
        self, connection: Connection, new: NewPayment, *, sweep_after_s: float
    ) -> Payment | None:
        """Insert the payment of an order; None when the order has one."""
        row = await connection.fetchrow(
            _ADD,
            new.id,
            new.order_id,
            new.customer_id,
            new.amount_minor,
            new.currency,
            new.payment_token,
            new.state.value,
            sweep_after_s,
        )
        return _payment(row)

    async def find(
        self, connection: Connection, payment_id: UUID, *, lock: bool = False
    ) -> Payment | None:
        """Read a payment, locked if asked."""
        sql = _FIND + " FOR UPDATE" if lock else _FIND
        return _payment(await connection.fetchrow(sql, payment_id))

    async def find_of_order(
        self, connection: Connection, order_id: UUID, *, lock: bool = False
    ) -> Payment | None:
        """Read the payment of an order, locked if asked."""
        sql = _FIND_OF_ORDER + " FOR UPDATE" if lock else _FIND_OF_ORDER
        return _payment(await connection.fetchrow(sql, order_id))

    async def move(
        self,
        connection: Connection,
        payment_id: UUID,
        *,
        of: Collection[State],
        to: State,
        reason: str | None = None,
        reference: str | None = None,
        sweep_after_s: float = 0.0,
    ) -> Payment | None:
        """Move a payment on if it is in one of the states `of`; else None, and nothing changes."""
        row = await connection.fetchrow(
            _MOVE,
            payment_id,
            [state.value for state in of],
            to.value,
            reason,
            reference,
            sweep_after_s,
        )
        return _payment(row)

    async def mark_cancelled(self, connection: Connection, payment_id: UUID) -> None:
        """Note that the order is over while its payment is being processed."""
        await connection.execute(_MARK_CANCELLED, payment_id)

    async def claim(self, connection: Connection, limit: int, *, lease_s: float) -> Sequence[UUID]:
        """Claim up to `limit` payments whose next call is due and that are not claimed."""
        rows = await connection.fetch(_CLAIM, lease_s, LONGEST_S, limit)
        return [row["id"] for row in rows]


class SandboxBooks:
    """Reads and writes the sandbox provider's tables."""

    async def count_call(self, connection: Connection, key: str) -> int:
        """Count a call under `key`; answers 1 for the first."""
        calls: int = await connection.fetchval(_COUNT_CALL, key)
        return calls

    async def book_charge(
        self,
        connection: Connection,
        key: str,
        *,
        token: str,
        amount_minor: int,
        currency: str,
        reference: str,
        declined: str | None,
    ) -> tuple[Charge, int]:
        """Book a charge once per `key`; answers what is booked, and its amount."""
        await connection.execute(
            _BOOK_CHARGE, key, token, amount_minor, currency, reference, declined
        )
        row = await connection.fetchrow(_FIND_CHARGE, key)
        if row is None:
            raise LookupError(f"sandbox_charges: {key} is gone; were rows deleted by hand?")
        charge = Charge(reference=row["reference"], declined=row["declined"])
        return charge, row["amount_minor"]

    async def book_refund(
        self, connection: Connection, key: str, *, reference: str, amount_minor: int
    ) -> None:
        """Book a refund once per `key`; the table refuses a second one of the same charge."""
        await connection.execute(_BOOK_REFUND, key, reference, amount_minor)


def _payment(row: Any) -> Payment | None:
    if row is None:
        return None
    values = dict(row.items())
    return Payment(**{**values, "state": State(values["state"])})
