"""What the routes of profiles take and answer. Read by the endpoints; holds no behaviour."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from tarmac_profiles.domain import LONGEST_EMAIL, normal_email

#: A document stays small enough to be read and written whole.
ATTRIBUTES_BYTES = 8192


def _plain(text: str) -> str:
    line = text.strip()
    if not line or not line.isprintable():
        raise ValueError("must be a line of text")
    return line


def _small(attributes: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(attributes)) > ATTRIBUTES_BYTES:
        raise ValueError(f"at most {ATTRIBUTES_BYTES} bytes as JSON")
    return attributes


Email = Annotated[
    str,
    Field(max_length=LONGEST_EMAIL + 2),
    AfterValidator(normal_email),
    WithJsonSchema(
        {
            "type": "string",
            "format": "email",
            "examples": ["ada@example.com"],
            "description": "Kept in lower case; one user each.",
        }
    ),
]
Line = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_plain)]
Attributes = Annotated[
    dict[str, Any],
    AfterValidator(_small),
    Field(
        examples=[{"newsletter": True, "sizes": {"shoe": 38}}],
        description="Whatever else is to be kept, as JSON; names without '.' and a leading '$'.",
    ),
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewUser(_Body):
    """A new user."""

    email: Email
    name: Annotated[Line, Field(examples=["Ada"])]
    city: Annotated[Line | None, Field(examples=["Ghent"])] = None
    attributes: Attributes = {}


class UserChange(NewUser):
    """A user as it is to be, whole, and the version that it is made from.

    Every member is sent: what was left out would be wiped, and nothing would say so.
    """

    city: Annotated[Line | None, Field(examples=["Ghent"])]
    attributes: Attributes
    version: Annotated[int, Field(ge=1, strict=True, examples=[1])]


class Login(_Body):
    """An address and the key that its user was given; neither is judged here."""

    email: str = Field(max_length=1024, examples=["ada@example.com"])
    key: str = Field(max_length=1024)


class UserOut(BaseModel):
    """A user's document, without its key."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    version: int
    email: str
    name: str
    city: str | None
    roles: list[str]
    attributes: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class Token(BaseModel):
    """An access token for `Authorization: Bearer`."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the type's name, RFC 6750
    expires_in: int = Field(description="Seconds until the access token ends.")


class MadeUser(UserOut, Token):
    """A new user with a first access token, and the key that is shown this once."""

    key: str = Field(description="Keep it: with it and the address further tokens are had.")


class NewKey(BaseModel):
    """The key that took the earlier one's place, shown this once."""

    key: str


class UserPageOut(BaseModel):
    """A page of users, the latest first; ask again with `next_cursor` until it is null."""

    items: list[UserOut]
    next_cursor: str | None


class OrderLineOut(BaseModel):
    """One line of an order."""

    product_id: UUID
    name: str
    quantity: int
    unit_price_minor: int


class OrderOut(BaseModel):
    """An order, as order-service says it."""

    id: UUID
    status: str
    reason: str | None = None
    currency: str
    total_minor: int
    lines: list[OrderLineOut]
    created_at: datetime


class OrderPageOut(BaseModel):
    """A page of orders, the latest first; ask again with `next_cursor` until it is null."""

    items: list[OrderOut]
    next_cursor: str | None


class KeySet(BaseModel):
    """The public key that access tokens are signed with (RFC 7517)."""

    keys: list[dict[str, Any]]
