"""What a payment is, the states it goes through, and the decisions about it.

Used by the service, the provider and the repository. Pure: no database, no HTTP, no clock.

    processing -> captured -> refunding -> refunded
               -> declined
    voided (the order was cancelled before anything was taken)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class State(StrEnum):
    """Where a payment is in its life."""

    #: Written; the provider is being asked, or will be.
    PROCESSING = "processing"
    #: The money was taken.
    CAPTURED = "captured"
    #: The provider refused; nothing was taken.
    DECLINED = "declined"
    #: The order was cancelled before anything was asked; nothing will be taken.
    VOIDED = "voided"
    #: The money is on its way back.
    REFUNDING = "refunding"
    #: The money was given back.
    REFUNDED = "refunded"


@dataclass(frozen=True)
class Payment:
    """The one payment of an order; `amount_minor` is in minor units of `currency`."""

    id: UUID
    order_id: UUID
    customer_id: str
    amount_minor: int
    currency: str
    payment_token: str | None
    state: State
    reason: str | None
    provider_reference: str | None
    #: The order was cancelled while the provider was being asked: give back what it takes.
    cancelled: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class NewPayment:
    """A payment before the database has dated it."""

    id: UUID
    order_id: UUID
    customer_id: str
    amount_minor: int
    currency: str
    payment_token: str | None
    state: State


@dataclass(frozen=True)
class Charge:
    """What a provider did: a reference to the money it took, or the reason why it did not."""

    reference: str | None
    declined: str | None

    @property
    def captured(self) -> bool:
        """Return whether the money was taken."""
        return self.declined is None


def after_charge(payment: Payment, charge: Charge) -> State:
    """Return where a processing payment goes with the provider's result."""
    if not charge.captured:
        return State.DECLINED
    return State.REFUNDING if payment.cancelled else State.CAPTURED


def charge_key(payment_id: UUID) -> str:
    """Name a charge to the provider; asked again with the same name, it charges no second time."""
    return str(payment_id)


def refund_key(payment_id: UUID) -> str:
    """Name a refund to the provider; asked again with the same name, it refunds no second time."""
    return f"{payment_id}:refund"
