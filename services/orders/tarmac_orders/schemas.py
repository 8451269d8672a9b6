"""What the orders' routes take and answer. Read by the endpoints; holds no behaviour."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from tarmac_orders.domain import MAX_LINES, MAX_PRICE_MINOR, MAX_QUANTITY, State

#: A line of an address: no control characters, which neither a label nor PostgreSQL can hold.
Text = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$"
    ),
]
PostalCode = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=20, pattern=r"^[^\x00-\x1f\x7f]*$")
]


class ItemIn(BaseModel):
    """How many of one product; the price is the shop's to say."""

    model_config = ConfigDict(extra="forbid")

    # One that the shop's first start puts on the shelf: the request that is shown can be sent.
    product_id: Annotated[UUID, Field(examples=["5eed0000-0000-4000-8000-000000001003"])]
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY, strict=True)]


class AddressIn(BaseModel):
    """Where the parcel goes."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Text, Field(examples=["Ada Lovelace"])]
    street: Annotated[Text, Field(examples=["Sint-Pietersplein 1"])]
    postal_code: Annotated[PostalCode, Field(examples=["9000"])]
    city: Annotated[Text, Field(examples=["Ghent"])]
    country: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Z]{2}$"),
        Field(examples=["BE"], description="ISO 3166."),
    ]


class OrderIn(BaseModel):
    """What a customer orders and pays with."""

    model_config = ConfigDict(extra="forbid")

    items: Annotated[list[ItemIn], Field(min_length=1, max_length=MAX_LINES)]
    payment_token: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9_\-]+$", min_length=4, max_length=200),
        Field(
            examples=["tok_ok"],
            description="From the payment provider. The sandbox takes any but tok_declined and "
            "tok_insufficient_funds.",
        ),
    ]
    shipping_address: AddressIn | None = None


class PricedItemIn(BaseModel):
    """How many of something that no catalog knows, and what one of it costs."""

    model_config = ConfigDict(extra="forbid")

    product_id: Annotated[UUID, Field(examples=["5eed0000-0000-4000-8000-000000001003"])]
    name: Annotated[Text, Field(examples=["A cup"])]
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY, strict=True)]
    unit_price_minor: Annotated[int, Field(ge=0, le=MAX_PRICE_MINOR, strict=True, examples=[450])]


class PricedOrderIn(BaseModel):
    """What a customer orders where there is no catalog and no payments are taken."""

    model_config = ConfigDict(extra="forbid")

    items: Annotated[list[PricedItemIn], Field(min_length=1, max_length=MAX_LINES)]
    currency: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Z]{3}$"),
        Field(examples=["EUR"], description="ISO 4217."),
    ]
    shipping_address: AddressIn | None = None

    @field_validator("items")
    @classmethod
    def _each_once(cls, items: list[PricedItemIn]) -> list[PricedItemIn]:
        if len({item.product_id for item in items}) < len(items):
            raise ValueError("a product_id stands here twice; give it one price and add up")
        return items


class LineOut(BaseModel):
    """One line, with the name and price of when it was ordered."""

    model_config = ConfigDict(from_attributes=True)

    product_id: UUID
    name: str
    quantity: int
    unit_price_minor: int


class OrderOut(BaseModel):
    """An order as its customer sees it."""

    id: UUID
    status: State
    reason: str | None
    currency: str
    total_minor: int
    lines: list[LineOut]
    shipping_address: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime


class StepOut(BaseModel):
    """A state that an order went through."""

    status: State
    reason: str | None
    at: datetime


class OrderWithHistory(OrderOut):
    """An order and how it came to be where it is."""

    history: list[StepOut]


class OrderPageOut(BaseModel):
    """A page of orders, latest first; ask again with `next_cursor` until it is null."""

    items: list[OrderOut]
    next_cursor: str | None
