"""The events that payments publish, and what they read of the orders' events.

Used by the service, and by a test that holds the committed JSON Schemas in `schemas/` equal to
these models. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tarmac_kit import PoisonMessage
from tarmac_payments.domain import Charge, Payment

CAPTURED = "payment.captured"
DECLINED = "payment.declined"
ORDER_PLACED = "order.placed"
ORDER_CANCELLED = "order.cancelled"

M = TypeVar("M", bound=BaseModel)


class PaymentCaptured(BaseModel):
    """The money for an order was taken."""

    model_config = ConfigDict(extra="forbid")

    payment_id: UUID
    order_id: UUID
    amount_minor: int
    currency: str
    provider_reference: str
    captured_at: datetime


class PaymentDeclined(BaseModel):
    """The provider refused to take the money for an order."""

    model_config = ConfigDict(extra="forbid")

    payment_id: UUID
    order_id: UUID
    reason: str
    declined_at: datetime


#: Topic to model; each has its JSON Schema in schemas/<topic>.json.
PUBLISHED: Mapping[str, type[BaseModel]] = {CAPTURED: PaymentCaptured, DECLINED: PaymentDeclined}


class PlacedOrder(BaseModel):
    """What payments need of `order.placed`; more may stand there."""

    order_id: UUID
    customer_id: str
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    total_minor: int = Field(ge=0)
    payment_token: str = Field(min_length=1)


class CancelledOrder(BaseModel):
    """What payments need of `order.cancelled`; more may stand there."""

    order_id: UUID
    customer_id: str
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    total_minor: int = Field(ge=0)
    reason: str


#: Topic to model of what is read; a test holds them against the publishers' schemas.
READ: Mapping[str, type[BaseModel]] = {
    ORDER_PLACED: PlacedOrder,
    ORDER_CANCELLED: CancelledOrder,
}


def captured(payment: Payment) -> dict[str, Any]:
    """Build the payload of payment.captured."""
    return PaymentCaptured(
        payment_id=payment.id,
        order_id=payment.order_id,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        provider_reference=payment.provider_reference or "",
        captured_at=payment.updated_at,
    ).model_dump(mode="json")


def declined(payment: Payment) -> dict[str, Any]:
    """Build the payload of payment.declined."""
    return PaymentDeclined(
        payment_id=payment.id,
        order_id=payment.order_id,
        reason=payment.reason or "unknown",
        declined_at=payment.updated_at,
    ).model_dump(mode="json")


def of_charge(charge: Charge) -> tuple[str, str, Callable[[Payment], dict[str, Any]]]:
    """Return what is said of a provider's result: topic, its time's name, builder of payload."""
    if charge.captured:
        return CAPTURED, "captured_at", captured
    return DECLINED, "declined_at", declined


def read(model: type[M], topic: str, payload: Mapping[str, Any]) -> M:
    """Parse an order's event; PoisonMessage when it is not one."""
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        raise PoisonMessage(f"{topic}: {error.error_count()} value(s) are wrong") from error
