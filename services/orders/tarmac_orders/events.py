"""The events that orders publish, and what they read of the payments' events.

Used by the service (builds), the consumer (parses) and a test that holds the committed JSON
Schemas in `schemas/` equal to these models. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tarmac_kit import PoisonMessage
from tarmac_orders.domain import Order, State

PLACED = "order.placed"
CONFIRMED = "order.confirmed"
CANCELLED = "order.cancelled"
PAYMENT_CAPTURED = "payment.captured"
PAYMENT_DECLINED = "payment.declined"


class _EventModel(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EventLine(_EventModel):
    """One line of the order."""

    product_id: UUID
    name: str
    quantity: int
    unit_price_minor: int


class OrderPlaced(_EventModel):
    """Stock is reserved; the service that takes payments may take this one."""

    order_id: UUID
    customer_id: str
    email: str
    currency: str
    total_minor: int
    lines: list[EventLine]
    payment_token: str
    placed_at: datetime


class OrderConfirmed(_EventModel):
    """The order is paid and its stock is sold."""

    order_id: UUID
    customer_id: str
    email: str
    currency: str
    total_minor: int
    lines: list[EventLine]
    confirmed_at: datetime


class OrderCancelled(_EventModel):
    """The order is over, its stock is free; what was taken for it is to be given back."""

    order_id: UUID
    customer_id: str
    email: str
    currency: str
    total_minor: int
    lines: list[EventLine]
    reason: str
    was_accepted: bool = Field(
        description="False when the customer was only ever told that the order is refused."
    )
    cancelled_at: datetime


#: Topic to model; each has its JSON Schema in schemas/<topic>.json.
PUBLISHED: Mapping[str, type[BaseModel]] = {
    PLACED: OrderPlaced,
    CONFIRMED: OrderConfirmed,
    CANCELLED: OrderCancelled,
}


class PaymentResult(BaseModel):
    """What orders need of `payment.captured` and `payment.declined`; more may stand there."""

    payment_id: UUID
    order_id: UUID


#: Topic to model of what is read; a test holds them against the publishers' schemas.
READ: Mapping[str, type[BaseModel]] = {
    PAYMENT_CAPTURED: PaymentResult,
    PAYMENT_DECLINED: PaymentResult,
}


def placed(order: Order) -> dict[str, Any]:
    """Build the payload of order.placed."""
    return OrderPlaced(
        **_facts(order), payment_token=order.payment_token, placed_at=order.updated_at
    ).model_dump(mode="json")


def confirmed(order: Order) -> dict[str, Any]:
    """Build the payload of order.confirmed."""
    return OrderConfirmed(**_facts(order), confirmed_at=order.updated_at).model_dump(mode="json")


def cancelled(order: Order) -> dict[str, Any]:
    """Build the payload of order.cancelled."""
    return OrderCancelled(
        **_facts(order),
        reason=order.reason or "unknown",
        was_accepted=order.accepted,
        cancelled_at=order.updated_at,
    ).model_dump(mode="json")


#: What is said of an order that comes to a state: its topic, and its payload before it is dated.
SAID: Mapping[State, tuple[str, Callable[[Order], dict[str, Any]]]] = {
    State.PLACED: (PLACED, placed),
    State.CONFIRMED: (CONFIRMED, confirmed),
    State.CANCELLED: (CANCELLED, cancelled),
}


def read_payment(payload: Mapping[str, Any]) -> PaymentResult:
    """Parse a payment's event; PoisonMessage when it is not one."""
    try:
        return PaymentResult.model_validate(payload)
    except ValidationError as error:
        raise PoisonMessage(f"payment event: {error.error_count()} value(s) are wrong") from error


def _facts(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.id,
        "customer_id": order.customer_id,
        "email": order.email,
        "currency": order.currency,
        "total_minor": order.total_minor,
        "lines": [
            EventLine(
                product_id=line.product_id,
                name=line.name,
                quantity=line.quantity,
                unit_price_minor=line.unit_price_minor,
            )
            for line in order.lines
        ],
    }
