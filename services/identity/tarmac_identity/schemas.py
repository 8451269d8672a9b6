"""Bodies of requests and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from tarmac_identity.domain import (
    PASSWORD_MAX_BYTES,
    PASSWORD_MIN_CHARS,
    check_password,
    normal_email,
)


def _plain_name(text: str) -> str:
    name = text.strip()
    if not name:
        raise ValueError("must not be empty")
    if not name.isprintable():
        raise ValueError("must not hold control characters")
    return name


Email = Annotated[
    str,
    Field(max_length=320),
    AfterValidator(normal_email),
    WithJsonSchema(
        {
            "type": "string",
            "format": "email",
            "examples": ["ada@example.com"],
            "description": "Kept in lower case; one account each.",
        }
    ),
]
NewPassword = Annotated[
    str,
    Field(max_length=1024),
    AfterValidator(check_password),
    WithJsonSchema(
        {
            "type": "string",
            "format": "password",
            "minLength": PASSWORD_MIN_CHARS,
            "examples": ["correct horse battery"],
            "description": f"At most {PASSWORD_MAX_BYTES} bytes in UTF-8.",
        }
    ),
]
Name = Annotated[
    str, Field(min_length=1, max_length=100, examples=["Ada"]), AfterValidator(_plain_name)
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Registration(_Body):
    """A new account."""

    email: Email
    password: NewPassword
    name: Name


class Login(_Body):
    """Address and password; neither is judged here, so that a wrong one is only ever wrong."""

    email: str = Field(max_length=1024, examples=["ada@example.com"])
    password: str = Field(max_length=1024, examples=["correct horse battery"])
    device_token: str | None = Field(
        default=None,
        max_length=2048,
        description="As the last login on this device gave it, of whichever account.",
    )


class RefreshRequest(_Body):
    """A refresh token, as the login or the last refresh gave it."""

    refresh_token: str = Field(max_length=512)


class ProfileChange(_Body):
    """What a user may change of the own profile."""

    name: Name


class UserOut(BaseModel):
    """An account as its owner sees it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    email: str
    name: str
    roles: list[str]
    created_at: datetime
    updated_at: datetime


class Tokens(BaseModel):
    """An access token for `Authorization: Bearer` and a refresh token for one later use."""

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105 - the type's name, RFC 6750
    expires_in: int = Field(description="Seconds until the access token ends.")


class LoginTokens(Tokens):
    """Tokens, and what the device keeps for its next login."""

    device_token: str = Field(
        description="Send it with the next login: from a known device the right password works "
        "whatever others try. It opens nothing by itself."
    )


class KeyChange(BaseModel):
    """How to change the signing key."""

    model_config = ConfigDict(extra="forbid")

    withdraw: bool = Field(default=False, description="The older keys are not to be trusted.")


class KeySet(BaseModel):
    """The public keys that access tokens are signed with (RFC 7517)."""

    keys: list[dict[str, Any]]
