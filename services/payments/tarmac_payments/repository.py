"""The payments' SQL and the sandbox provider's, all of it. Called in their transactions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tarmac_kit.inbox import insert_first
from tarmac_kit.outbox import Row, insert_for
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
_INSERT = f"""
INSERT INTO payments (id, order_id, customer_id, amount_minor, currency, payment_token, state,
                      step_at)
SELECT $1::uuid, $2::uuid, $3, $4::bigint, $5, $6, $7, now() + make_interval(secs => $8) {{source}}
ON CONFLICT ON CONSTRAINT one_payment_per_order DO NOTHING
RETURNING {_COLUMNS}
"""

_ADD = _INSERT.format(source="")

_ADD_ONCE = f"""
WITH heard AS ({insert_first("$9", "$10")}) {_INSERT.format(source="FROM heard")}
"""

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

# The provider's result with its event. It goes by whether the order was cancelled meanwhile, which
# is therefore a part of the guard.
_SETTLE = f"""
WITH o AS (
    UPDATE payments
       SET state = $3, reason = $4, provider_reference = $5, attempts = 0, updated_at = now(),
           step_at = now() + make_interval(secs => $6)
     WHERE id = $1 AND state = 'processing' AND cancelled = $2
    RETURNING {_COLUMNS}
), event AS (
    {insert_for("o", "jsonb_set($7, ARRAY['payload', $8], to_jsonb(o.updated_at))")}
)
SELECT * FROM o
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

# Each call is counted; a charge is booked once per key, and not by a first call that is to fail.
_CHARGE = """
WITH counted AS (
    INSERT INTO sandbox_calls AS c (idempotency_key, calls) VALUES ($1, 1)
    ON CONFLICT (idempotency_key) DO UPDATE SET calls = c.calls + 1 RETURNING calls
), booked AS (
    INSERT INTO sandbox_charges
           (idempotency_key, token, amount_minor, currency, reference, declined)
    SELECT $1, $2, $3, $4, $5, $6 FROM counted WHERE NOT ($7 AND calls = 1)
    ON CONFLICT (idempotency_key) DO NOTHING RETURNING amount_minor, reference, declined
)
SELECT calls, booked.* FROM counted LEFT JOIN booked ON true
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
        return _payment(await connection.fetchrow(_ADD, *_values(new), sweep_after_s))

    async def add_once(
        self,
        connection: Connection,
        new: NewPayment,
        *,
        consumer: str,
        message_id: str,
        sweep_after_s: float,
    ) -> Payment | None:
        """Insert as `add` does, if a message is heard for the first time; note that it was."""
        row = await connection.fetchrow(
            _ADD_ONCE, *_values(new), sweep_after_s, consumer, message_id
        )
        return _payment(row)

    async def find(self, connection: Connection, payment_id: UUID) -> Payment | None:
        """Read a payment."""
        return _payment(await connection.fetchrow(_FIND, payment_id))

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

    async def settle(
        self,
        connection: Connection,
        result: Payment,
        *,
        to: State,
        sweep_after_s: float,
        event: Row | None,
        dated: str,
    ) -> Payment | None:
        """Write a result with its event; None if the payment is as it was known to be no more.

        Args:
            result: the payment as it was known, with what the provider said of it.
            dated: where the time of the change stands in the event's payload.
        """
        row = await connection.fetchrow(
            _SETTLE,
            result.id,
            result.cancelled,
            to.value,
            result.reason,
            result.provider_reference,
            sweep_after_s,
            event,
            dated,
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

    async def charge(
        self,
        connection: Connection,
        key: str,
        *,
        token: str,
        amount_minor: int,
        currency: str,
        reference: str,
        declined: str | None,
        fails_first: bool,
    ) -> tuple[int, Charge | None, int]:
        """Count a call and book its charge, once per `key`.

        Returns how many calls there were, what is booked, and its amount. Of a call that
        `fails_first` nothing is booked the first time.
        """
        row = await connection.fetchrow(
            _CHARGE, key, token, amount_minor, currency, reference, declined, fails_first
        )
        if row is None:
            raise LookupError(f"sandbox_calls: {key} was not counted; is there a rule or trigger?")
        calls: int = row["calls"]
        if fails_first and calls == 1:
            return calls, None, 0
        if row["amount_minor"] is None:  # booked before
            row = await connection.fetchrow(_FIND_CHARGE, key)
        if row is None:
            raise LookupError(f"sandbox_charges: {key} is gone; were rows deleted by hand?")
        return calls, Charge(row["reference"], row["declined"]), row["amount_minor"]

    async def book_refund(
        self, connection: Connection, key: str, *, reference: str, amount_minor: int
    ) -> None:
        """Book a refund once per `key`; the table refuses a second one of the same charge."""
        await connection.execute(_BOOK_REFUND, key, reference, amount_minor)


def _values(new: NewPayment) -> tuple[Any, ...]:
    return (
        new.id,
        new.order_id,
        new.customer_id,
        new.amount_minor,
        new.currency,
        new.payment_token,
        new.state.value,
    )


def _payment(row: Any) -> Payment | None:
    if row is None:
        return None
    values = dict(row.items())
    return Payment(**{**values, "state": State(values["state"])})
