"""What the market's routes take and answer. Read by the endpoints; holds no behaviour."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

SYMBOL = r"^[A-Z][A-Z0-9]{0,9}$"
Symbol = Annotated[str, StringConstraints(pattern=SYMBOL)]


class InstrumentIn(BaseModel):
    """Something new to trade; base and volatility are for good."""

    model_config = ConfigDict(extra="forbid")

    symbol: Annotated[Symbol, Field(examples=["TARM"])]
    name: Annotated[
        str,
        StringConstraints(
            strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$"
        ),
        Field(examples=["Tarmac Roads"]),
    ]
    currency: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Z]{3}$"),
        Field(examples=["USD"], description="ISO 4217."),
    ]
    base_minor: Annotated[
        int,
        Field(
            ge=100,
            le=1_000_000_000,
            strict=True,
            examples=[12_500],
            description="The price that it moves around, between 0.4 and 1.6 times this.",
        ),
    ]
    volatility_ppm: Annotated[
        int,
        Field(
            ge=1,
            le=10_000,
            strict=True,
            description="How far its price moves in one tick, in millionths of the base.",
        ),
    ] = 200


class InstrumentOut(BaseModel):
    """Something that can be traded, and what it costs now."""

    symbol: str
    name: str
    currency: str
    price_minor: int
    open_minor: Annotated[int, Field(description="The day's first price (UTC).")]
    at: datetime


class InstrumentsOut(BaseModel):
    """Everything that can be traded."""

    items: list[InstrumentOut]


class QuoteOut(BaseModel):
    """What an instrument costs during one tick."""

    model_config = ConfigDict(from_attributes=True)

    symbol: str
    currency: str
    price_minor: int
    open_minor: int
    at: datetime
    seq: Annotated[int, Field(description="The tick.")]


class QuotesOut(BaseModel):
    """Several instruments' quotes, of the same tick."""

    items: list[QuoteOut]


class PointOut(BaseModel):
    """A price of before."""

    model_config = ConfigDict(from_attributes=True)

    price_minor: int
    at: datetime
    seq: int


class HistoryOut(BaseModel):
    """Prices of before, oldest first."""

    symbol: str
    currency: str
    items: list[PointOut]
