"""What the portfolio's routes take and answer. Read by the endpoints; holds no behaviour."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from tarmac_portfolio.domain import (
    MAX_DEPOSIT_MINOR,
    MAX_LIMIT_MINOR,
    MAX_QUANTITY,
    Kind,
    Side,
    Status,
)


class AccountOut(BaseModel):
    """Cash in minor units, and what of it open orders hold."""

    model_config = ConfigDict(from_attributes=True)

    currency: str
    cash_minor: int
    held_minor: int
    available_minor: Annotated[int, Field(description="What can be spent: cash less held.")]


class DepositIn(BaseModel):
    """Cash that comes in."""

    model_config = ConfigDict(extra="forbid")

    amount_minor: Annotated[int, Field(ge=1, le=MAX_DEPOSIT_MINOR, strict=True, examples=[1000000])]


class DepositOut(BaseModel):
    """Cash that came in."""

    id: UUID
    amount_minor: int
    currency: str
    created_at: datetime


class PositionOut(BaseModel):
    """Shares, what of them open orders hold, what they cost and what they are worth."""

    symbol: str
    quantity: int
    held: int
    cost_minor: Annotated[int, Field(description="What was paid for the shares still there.")]
    price_minor: Annotated[int | None, Field(description="Null while the market is away.")]
    value_minor: int | None


class PositionsOut(BaseModel):
    """All positions, by symbol."""

    items: list[PositionOut]


class OrderIn(BaseModel):
    """What to trade; a limit order names its price, a market order none."""

    model_config = ConfigDict(extra="forbid")

    symbol: Annotated[
        str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{0,9}$"), Field(examples=["TARM"])
    ]
    side: Side
    kind: Kind
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY, strict=True)]
    limit_price_minor: Annotated[int | None, Field(ge=1, le=MAX_LIMIT_MINOR, strict=True)] = None

    @model_validator(mode="after")
    def _a_limit_and_only_that_has_a_price(self) -> Self:
        if (self.kind is Kind.LIMIT) != (self.limit_price_minor is not None):
            wrong = "needs" if self.kind is Kind.LIMIT else "has no"
            raise ValueError(f"a {self.kind} order {wrong} limit_price_minor")
        return self


class OrderOut(BaseModel):
    """An order as its owner sees it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    symbol: str
    side: Side
    kind: Kind
    quantity: int
    limit_price_minor: int | None
    status: Status
    reason: str | None
    price_minor: Annotated[int | None, Field(description="What it was filled at.")]
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None


class OrdersOut(BaseModel):
    """A page of orders, latest first; ask again with `next_cursor` until it is null."""

    items: list[OrderOut]
    next_cursor: str | None


class TradeOut(BaseModel):
    """An order's fill."""

    model_config = ConfigDict(from_attributes=True)

    order_id: UUID
    symbol: str
    side: Side
    quantity: int
    price_minor: int
    quote_seq: Annotated[int, Field(description="The market's tick that had this price.")]
    realised_minor: Annotated[
        int | None, Field(description="What a sale brought beyond what its shares had cost.")
    ]
    at: datetime


class TradesOut(BaseModel):
    """A page of trades, latest first; ask again with `next_cursor` until it is null."""

    items: list[TradeOut]
    next_cursor: str | None
