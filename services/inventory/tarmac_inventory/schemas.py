"""What the inventory's routes take and answer. Read by the endpoints; holds no behaviour."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tarmac_inventory.domain import ReservationState

MAX_ON_HAND = 10_000_000


class StockOut(BaseModel):
    """How many of a product there are, are reserved, and can be bought."""

    model_config = ConfigDict(from_attributes=True)

    product_id: UUID
    on_hand: int
    reserved: int
    available: int


class LevelsIn(BaseModel):
    """The products whose stock another service wants."""

    model_config = ConfigDict(extra="forbid")

    product_ids: Annotated[list[UUID], Field(min_length=1, max_length=100)]


class LevelsOut(BaseModel):
    """Stock of the known products; one that was never counted is left out."""

    levels: list[StockOut]


class StockIn(BaseModel):
    """The result of counting the shelf."""

    model_config = ConfigDict(extra="forbid")

    on_hand: Annotated[int, Field(ge=0, le=MAX_ON_HAND, strict=True)]


class LineIn(BaseModel):
    """How many of one product to reserve."""

    model_config = ConfigDict(extra="forbid")

    product_id: UUID
    quantity: Annotated[int, Field(ge=1, le=10_000, strict=True)]


class ReservationIn(BaseModel):
    """What an order wants reserved, all or nothing, and for how long (seconds)."""

    model_config = ConfigDict(extra="forbid")

    lines: Annotated[list[LineIn], Field(min_length=1, max_length=100)]
    ttl_s: Annotated[float, Field(gt=0, le=86_400)] = 900.0

    @model_validator(mode="after")
    def _one_line_per_product(self) -> Self:
        if len({line.product_id for line in self.lines}) < len(self.lines):
            raise ValueError("a product stands in two lines; add them up")
        return self


class LineOut(BaseModel):
    """How many of one product are reserved."""

    model_config = ConfigDict(from_attributes=True)

    product_id: UUID
    quantity: int


class ReservationOut(BaseModel):
    """What an order holds, held or took."""

    model_config = ConfigDict(from_attributes=True)

    order_id: UUID
    state: ReservationState
    expires_at: datetime
    lines: list[LineOut]
