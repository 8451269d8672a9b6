"""The SQL of purchases, all of it. Called inside the transactions of the service and the steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tarmac_kit import fetch_one
from tarmac_offers.domain import Line

if TYPE_CHECKING:
    from tarmac_kit.database import Connection

_COLUMNS = """
id, customer, fingerprint, tier, lines, state, reason, currency, total_minor, created_at
"""

_ADD = """
INSERT INTO purchases (id, customer, idempotency_key, fingerprint, tier, lines)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT ON CONSTRAINT one_purchase_per_key DO NOTHING
RETURNING id
"""

_FIND = f"SELECT {_COLUMNS} FROM purchases WHERE id = $1"  # noqa: S608 - a constant of this file

_BY_KEY = f"""
SELECT {_COLUMNS} FROM purchases WHERE customer = $1 AND idempotency_key = $2
"""  # noqa: S608 - as above

_PRICED = """
UPDATE purchases SET currency = $2, total_minor = $3, lines = $4, updated_at = now() WHERE id = $1
"""

_REFUSED = "UPDATE purchases SET reason = $2, updated_at = now() WHERE id = $1"

#: Why a purchase is cancelled that no service refused.
TOO_LATE = "too_late: its time is over"

_END = """
UPDATE purchases SET state = $2, updated_at = now(),
       reason = CASE WHEN $2 = 'cancelled' THEN coalesce(reason, $3) END
 WHERE id = $1
"""


class State(StrEnum):
    """How far a purchase is, as its customer sees it."""

    #: Its saga is at work.
    PENDING = "pending"
    #: Done: the price is accepted and the stock sold.
    CONFIRMED = "confirmed"
    #: Done: nothing is held for it any more.
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class NewPurchase:
    """A purchase before the database has dated it."""

    id: UUID
    customer: str
    idempotency_key: str
    fingerprint: str
    tier: str | None
    lines: Sequence[Line]


@dataclass(frozen=True)
class Purchase:
    """A purchase; `lines` are what was asked for, with prices once they are bound."""

    id: UUID
    customer: str
    fingerprint: str
    tier: str | None
    lines: list[dict[str, Any]]
    state: State
    reason: str | None
    currency: str | None
    #: In minor units of `currency`; None until it is bound.
    total_minor: int | None
    created_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", State(self.state))


class PurchaseRepository:
    """Reads and writes purchases."""

    async def add(self, connection: Connection, new: NewPurchase) -> bool:
        """Insert a pending purchase; False when its customer used the key before."""
        lines = [
            {"product_id": str(line.product_id), "quantity": line.quantity} for line in new.lines
        ]
        added = await connection.fetchval(
            _ADD, new.id, new.customer, new.idempotency_key, new.fingerprint, new.tier, lines
        )
        return added is not None

    async def find(self, connection: Connection, purchase_id: UUID) -> Purchase | None:
        """Read a purchase."""
        return await fetch_one(connection, _FIND, purchase_id, into=Purchase)

    async def by_key(self, connection: Connection, customer: str, key: str) -> Purchase | None:
        """Read the purchase that a customer made with a key."""
        return await fetch_one(connection, _BY_KEY, customer, key, into=Purchase)

    async def priced(
        self,
        connection: Connection,
        purchase_id: UUID,
        currency: str,
        total_minor: int,
        lines: Sequence[Mapping[str, Any]],
    ) -> None:
        """Note what a purchase comes to."""
        await connection.execute(_PRICED, purchase_id, currency, total_minor, list(lines))

    async def refused(self, connection: Connection, purchase_id: UUID, reason: str) -> None:
        """Note why a purchase will be cancelled: a code, a colon, and what more is known."""
        await connection.execute(_REFUSED, purchase_id, reason)

    async def end(self, connection: Connection, purchase_id: UUID, state: State) -> None:
        """Note how a purchase ended."""
        await connection.execute(_END, purchase_id, state.value, TOO_LATE)
