"""What the routes of offers take and answer. Read by the endpoints; holds no behaviour."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from tarmac_offers.repository import State

MAX_QUANTITY = 10_000

Tier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Customer = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$"
    ),
]


class OfferOut(BaseModel):
    """A product's stock and price; what `degraded` names did not answer, and its half is null."""

    model_config = ConfigDict(from_attributes=True)

    product_id: UUID
    name: str | None
    quantity: int
    tier: str | None
    available: int | None = Field(description="How many can be bought now.")
    price_minor: int | None = Field(description="Of one piece, in minor units.")
    total_minor: int | None = Field(description="Of `quantity` pieces.")
    currency: str | None
    can_buy: bool | None = Field(description="Whether `quantity` can be bought; null: not known.")
    degraded: list[Literal["inventory", "pricing"]]


class OfferPage(BaseModel):
    """A page of offers; ask again with `after=next` until that is null."""

    offers: list[OfferOut]
    next: UUID | None


class OffersIn(BaseModel):
    """The products whose offers are wanted, for a quantity of each."""

    model_config = ConfigDict(extra="forbid")

    product_ids: Annotated[list[UUID], Field(min_length=1, max_length=100)]
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY, strict=True)] = 1
    tier: Tier | None = None


class OffersOut(BaseModel):
    """Offers of the known products; an unknown one is left out."""

    offers: list[OfferOut]


class LineIn(BaseModel):
    """How many of a product are bought."""

    model_config = ConfigDict(extra="forbid")

    product_id: UUID
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY, strict=True)]


class PurchaseIn(BaseModel):
    """What a customer buys; `customer` is whatever the caller knows them by."""

    model_config = ConfigDict(extra="forbid")

    customer: Customer
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=50)]
    tier: Tier | None = None

    @model_validator(mode="after")
    def _one_line_per_product(self) -> Self:
        if len({line.product_id for line in self.lines}) < len(self.lines):
            raise ValueError("a product stands in two lines; add them up")
        return self


class PurchaseLine(BaseModel):
    """One line; the price once it is bound."""

    product_id: UUID
    name: str | None = None
    quantity: int
    price_minor: int | None = None
    total_minor: int | None = None


class StepOut(BaseModel):
    """One line of what happened."""

    model_config = ConfigDict(from_attributes=True)

    step: str
    what: str
    reason: str | None
    at: datetime | None


class PurchaseOut(BaseModel):
    """A purchase and what happened to it, step by step."""

    id: UUID
    customer: str
    state: State
    reason: str | None
    tier: str | None
    currency: str | None
    total_minor: int | None
    lines: list[PurchaseLine]
    created_at: datetime
    saga: Literal["running", "compensating", "done", "compensated"]
    history: list[StepOut]
