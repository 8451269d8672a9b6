"""What the pricing routes take and answer. Read by the endpoints; holds no behaviour."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from tarmac_pricing.domain import WHOLE_BP, Kind, QuoteState

#: The largest price that a staff member may type: ten million in major units.
MAX_PRICE_MINOR = 1_000_000_000
MAX_QUANTITY = 1_000_000
#: Rules of one price list: they are written in one transaction.
MAX_RULES = 5_000


def _storable(at: datetime) -> datetime:
    """Refuse the first and last days that datetime knows: they have no UTC time everywhere."""
    if not 1 < at.year < 9999:
        raise ValueError("the year must be between 2 and 9998")
    return at.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_storable)]
#: PostgreSQL's text holds every character but NUL; a name is one line.
Name = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$"
    ),
]
Tier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Quantity = Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
PriceMinor = Annotated[int, Field(ge=0, le=MAX_PRICE_MINOR, strict=True)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class RuleIn(BaseModel):
    """A price rule; it replaces the one of its kind, product, tier, quantity and `valid_from`."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    product_id: UUID | None = Field(default=None, description="Left out: for every product.")
    name: Name | None = Field(default=None, description="What a list price calls its product.")
    tier: Tier | None = None
    min_quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY, strict=True)] = 1
    valid_from: Moment | None = Field(default=None, description="From this moment on.")
    valid_to: Moment | None = Field(default=None, description="Until just before this moment.")
    price_minor: PriceMinor | None = None
    currency: Currency | None = None
    percent_off_bp: Annotated[int, Field(ge=1, le=WHOLE_BP, strict=True)] | None = Field(
        default=None, description="Off the list price, in hundredths of a percent."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.price_minor is None) == (self.percent_off_bp is None):
            raise ValueError("give either price_minor or percent_off_bp")
        if (self.price_minor is None) != (self.currency is None):
            raise ValueError("give currency with price_minor, and only with it")
        if self.valid_from and self.valid_to and self.valid_from >= self.valid_to:
            raise ValueError("valid_to must be after valid_from")
        if self.kind is Kind.LIST:
            self._is_a_list_price()
        elif self.name is not None:
            raise ValueError("only a list price names its product")
        if self.kind is Kind.VOLUME and self.min_quantity < 2:
            raise ValueError("a volume rule needs a min_quantity of at least 2")
        if self.kind is Kind.TIER and self.tier is None:
            raise ValueError("a tier rule needs a tier")
        if self.kind is Kind.DATED and self.valid_from is None and self.valid_to is None:
            raise ValueError("a dated rule needs valid_from or valid_to")
        return self

    def _is_a_list_price(self) -> None:
        if self.product_id is None or self.name is None or self.price_minor is None:
            raise ValueError("a list price needs product_id, name and price_minor")
        if self.tier is not None or self.min_quantity > 1:
            raise ValueError("a list price has no tier and no min_quantity")


class RuleOut(BaseModel):
    """A price rule as it is kept."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: Kind
    product_id: UUID | None
    name: str | None
    tier: str | None
    min_quantity: int
    valid_from: datetime | None
    valid_to: datetime | None
    price_minor: int | None
    currency: str | None
    percent_off_bp: int | None


class RuleList(BaseModel):
    """All rules of a product, or those for every product."""

    rules: list[RuleOut]


class AppliedOut(BaseModel):
    """A rule that had its part in a price, and the unit price that it comes to."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: Kind
    price_minor: int


class LineOut(BaseModel):
    """What one product costs: `price_minor` is of one piece, `total_minor` of all."""

    model_config = ConfigDict(from_attributes=True)

    product_id: UUID
    name: str
    quantity: int
    list_price_minor: int
    price_minor: int
    total_minor: int
    currency: str
    rules: list[AppliedOut]


class PriceOut(LineOut):
    """A price; `cached` says where its rules came from, `degraded` what was out of reach."""

    cached: bool
    degraded: list[Literal["cache"]]


class PricesIn(BaseModel):
    """The products whose prices another service wants, for a quantity of each and a tier."""

    model_config = ConfigDict(extra="forbid")

    product_ids: Annotated[list[UUID], Field(min_length=1, max_length=100)]
    quantity: Quantity = 1
    tier: Tier | None = None


class BatchPrice(BaseModel):
    """What one product costs now, and whether it can be bought."""

    product_id: UUID
    name: str
    price_minor: int
    currency: str
    active: bool


class PricesOut(BaseModel):
    """Prices of the known products; an unknown one is left out."""

    prices: list[BatchPrice]


class PricePage(PricesOut):
    """A page of what can be bought; ask again with `after=next` until that is null."""

    next: UUID | None


class QuoteLineIn(BaseModel):
    """How many of a product are wanted."""

    model_config = ConfigDict(extra="forbid")

    product_id: UUID
    quantity: Annotated[int, Field(ge=1, le=10_000, strict=True)]


class QuoteIn(BaseModel):
    """What a caller wants a binding price for."""

    model_config = ConfigDict(extra="forbid")

    lines: Annotated[list[QuoteLineIn], Field(min_length=1, max_length=50)]
    tier: Tier | None = None


class AcceptIn(BaseModel):
    """What accepts a quote: the id of an order or a purchase; only it may accept again."""

    model_config = ConfigDict(extra="forbid")

    reference: UUID


class QuoteOut(BaseModel):
    """Prices that hold until `expires_at`."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    state: QuoteState
    tier: str | None
    currency: str
    total_minor: int
    lines: list[LineOut]
    reference: UUID | None
    expires_at: datetime
    created_at: datetime


class PriceListIn(BaseModel):
    """A price list: rules that are taken over together or not at all."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    rules: Annotated[list[RuleIn], Field(min_length=1, max_length=MAX_RULES)]

    @model_validator(mode="after")
    def _one_rule_per_condition(self) -> Self:
        conditions = {
            (rule.kind, rule.product_id, rule.tier, rule.min_quantity, rule.valid_from)
            for rule in self.rules
        }
        if len(conditions) < len(self.rules):
            raise ValueError("two rules have the same conditions; keep one")
        return self


class JobOut(BaseModel):
    """Work that was accepted; ask for it at /jobs/{id}."""

    id: UUID
    state: str
