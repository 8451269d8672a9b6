"""The events that are consumed. Members that are not read here may be added by publishers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

ORDER_CONFIRMED = "order.confirmed"
ORDER_CANCELLED = "order.cancelled"
USER_REGISTERED = "user.registered"

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
#: One plain address: nothing that could become a second recipient or a header.
Address = Annotated[
    str, Field(max_length=320, pattern=r"^[^@\s<>,;:\"()\[\]]+@[^@\s<>,;:\"()\[\]]+$")
]


class Line(BaseModel):
    """One line of an order."""

    product_id: UUID
    name: str
    quantity: int = Field(gt=0)
    unit_price_minor: int = Field(ge=0)


class OrderConfirmed(BaseModel):
    """An order was paid."""

    order_id: UUID
    email: Address
    currency: Currency
    total_minor: int = Field(ge=0)
    lines: list[Line] = Field(min_length=1)
    confirmed_at: datetime


class OrderCancelled(BaseModel):
    """An order ended without being fulfilled."""

    order_id: UUID
    email: Address
    currency: Currency
    total_minor: int = Field(ge=0)
    lines: list[Line] = Field(default_factory=list)
    reason: str
    #: False: the order was refused at once, and its customer heard so then.
    was_accepted: bool = True
    cancelled_at: datetime


class UserRegistered(BaseModel):
    """An account was made with this address."""

    email: Address
    registered_at: datetime


Event = OrderConfirmed | OrderCancelled | UserRegistered

#: Topic to model of what is read; a test holds them against the publishers' schemas.
READ: Mapping[str, type[BaseModel]] = {
    ORDER_CONFIRMED: OrderConfirmed,
    ORDER_CANCELLED: OrderCancelled,
    USER_REGISTERED: UserRegistered,
}
