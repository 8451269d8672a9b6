"""What the payments' route answers. Read by the endpoints; holds no behaviour."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from tarmac_payments.domain import State


class PaymentOut(BaseModel):
    """The payment of an order, without the token that paid it."""

    id: UUID
    order_id: UUID
    status: State
    reason: str | None
    amount_minor: int
    currency: str
    provider_reference: str | None
    created_at: datetime
    updated_at: datetime
