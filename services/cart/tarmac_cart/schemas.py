"""What the cart's routes take and answer. Read by the endpoints; holds no behaviour."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tarmac_cart.domain import MAX_QUANTITY


class LineOut(BaseModel):
    """One line with today's name and price; both null while the catalog does not answer."""

    product_id: UUID
    quantity: int
    name: str | None
    unit_price_minor: int | None
    available: bool = Field(description="False for what cannot be bought any more.")


class CartOut(BaseModel):
    """A cart; `total_minor` is null where it cannot be told now."""

    id: UUID | None
    version: int
    currency: str | None
    total_minor: int | None
    lines: list[LineOut]
    degraded: list[Literal["catalog"]] = Field(description="The roles that did not answer.")


class LineIn(BaseModel):
    """How many of a product there will be in the cart."""

    model_config = ConfigDict(extra="forbid")

    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY, strict=True)]


class CheckoutIn(BaseModel):
    """What a checkout adds to the cart; the part `orders` says what is right in an address."""

    model_config = ConfigDict(extra="forbid")

    payment_token: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9_\-]+$", min_length=4, max_length=200),
        Field(examples=["tok_ok"]),
    ]
    shipping_address: dict[str, Any] | None = None
