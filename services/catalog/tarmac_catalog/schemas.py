"""What the catalog's routes take and answer. Read by the endpoints; holds no behaviour."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

#: The largest price that a staff member may type: ten million in major units.
MAX_PRICE_MINOR = 1_000_000_000

#: What breaks a line, reverses what follows, or has no width. Joiners (U+200C, U+200D) stand in
#: Persian and Indic words and in emoji, but are no name by themselves.
_UNSEEN = r"\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
#: PostgreSQL's text holds every character but NUL; a name is one line, and can be seen.
Name = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=200,
        pattern=rf"^[^{_UNSEEN}]*[^{_UNSEEN}\s\u200c\u200d][^{_UNSEEN}]*$",
    ),
]
Description = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=5000, pattern=r"^[^\x00]*$")
]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Version = Annotated[int, Field(ge=1, lt=2**31, strict=True)]
PriceMinor = Annotated[int, Field(gt=0, le=MAX_PRICE_MINOR, strict=True)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class ProductIn(BaseModel):
    """A new product, as staff describe it."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    description: Description = ""
    category: Slug
    price_minor: PriceMinor
    currency: Currency | None = Field(default=None, description="The shop's own when left out.")


class ProductEdit(BaseModel):
    """A change to a product; `version` is the one that the editor saw."""

    model_config = ConfigDict(extra="forbid")

    version: Version
    name: Name | None = None
    description: Description | None = None
    category: Slug | None = None
    price_minor: PriceMinor | None = None
    active: bool | None = None


class ProductOut(BaseModel):
    """A product as the shop shows it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    description: str
    category: str
    price_minor: int
    currency: str
    active: bool
    version: int
    created_at: datetime
    updated_at: datetime


class ProductPage(BaseModel):
    """A page of products; ask again with `next_cursor` until it is null."""

    items: list[ProductOut]
    next_cursor: str | None


class CategoryOut(BaseModel):
    """A category and how many products it has."""

    model_config = ConfigDict(from_attributes=True)

    slug: str
    products: int


class CategoryList(BaseModel):
    """All categories that have something to buy."""

    categories: list[CategoryOut]


class PricesIn(BaseModel):
    """The products whose prices another service wants."""

    model_config = ConfigDict(extra="forbid")

    product_ids: Annotated[list[UUID], Field(min_length=1, max_length=100)]


class Price(BaseModel):
    """What one product costs now, and whether it can be bought."""

    product_id: UUID
    name: str
    price_minor: int
    currency: str
    active: bool


class PricesOut(BaseModel):
    """Prices of the known products; an unknown one is left out."""

    prices: list[Price]
