"""Accounts and what is allowed in them: addresses, passwords, tokens as values. No I/O."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

PASSWORD_MIN_CHARS = 10
#: bcrypt reads no further: a longer password would be cut without a word.
PASSWORD_MAX_BYTES = 72
STAFF = "staff"
#: How far the clocks of machines may be apart.
CLOCKS_DIFFER_S = 60.0


@dataclass(frozen=True)
class User:
    """An account as others may see it."""

    id: UUID
    email: str
    name: str
    roles: list[str]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Credentials:
    """What a login is checked against."""

    id: UUID
    email: str
    roles: list[str]
    password_hash: str


@dataclass(frozen=True)
class RefreshToken:
    """A refresh token as it is stored: never the token itself."""

    token_hash: bytes
    family: UUID
    user_id: UUID
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None

    def usable(self, now: datetime) -> bool:
        return self.revoked_at is None and self.used_at is None and self.expires_at > now


@dataclass(frozen=True)
class StoredKey:
    """A signing key as it is stored: the private half encrypted."""

    kid: str
    private_key: bytes
    public_jwk: dict[str, Any]
    #: Seconds since it was made.
    age_s: float = 0.0


@dataclass(frozen=True)
class Rotation:
    """When a signing key comes and goes, in seconds of its age."""

    #: A new key is made when the newest is so old.
    every_s: float
    #: It is published so long before it signs: until then proxies may show the older key set.
    announced_s: float
    #: A key that signs no more stays published until the last token it signed has ended.
    token_ttl_s: float

    def signing(self, stored: Sequence[StoredKey]) -> StoredKey:
        """Choose the key that signs: the newest that was announced; else the oldest there is."""
        by_age = sorted(stored, key=lambda key: key.age_s)
        return next((key for key in by_age if key.age_s >= self.announced_s), by_age[-1])

    def is_due(self, stored: Sequence[StoredKey]) -> bool:
        """Tell whether a new key is to be made."""
        return min((key.age_s for key in stored), default=self.every_s) >= self.every_s

    def over(self, stored: Sequence[StoredKey]) -> list[str]:
        """List the keys by which no token can be valid any more."""
        if not stored:
            return []
        signing = self.signing(stored)
        since_s = signing.age_s - self.announced_s
        ended = since_s > self.token_ttl_s + CLOCKS_DIFFER_S
        return [key.kid for key in stored if ended and key.age_s > signing.age_s]


def normal_email(text: str) -> str:
    """Return an address in the one form in which it is stored and looked up.

    Raises ValueError that says what is wrong. Nothing is asked of the network.
    """
    try:
        found = validate_email(
            text.strip(),
            check_deliverability=False,
            test_environment=True,
            allow_smtputf8=False,  # many mail servers cannot write to such an address
        )
    except EmailNotValidError as error:
        raise ValueError(f"is no e-mail address: {error}") from None
    return found.normalized.lower()


def login_email(text: str) -> str:
    """Return the address that a login looks up; one that cannot exist finds no account.

    That one is hashed, for it is stored with the failure and may be a password in the wrong field.
    """
    try:
        return normal_email(text)
    except ValueError:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return f"invalid:{digest}"


def normal_password(text: str) -> str:
    """Return a password in the Unicode form in which it is hashed: keyboards differ."""
    return unicodedata.normalize("NFC", text)


def check_password(text: str) -> str:
    """Return a new password in its normal form, or raise ValueError that says what is wrong."""
    password = normal_password(text)
    if any(char == "\x00" or "\ud800" <= char <= "\udfff" for char in password):
        raise ValueError("must not hold NUL or half a character")
    if len(password) < PASSWORD_MIN_CHARS:
        raise ValueError(f"must have at least {PASSWORD_MIN_CHARS} characters")
    if len(password.encode()) > PASSWORD_MAX_BYTES:
        raise ValueError(
            f"must have at most {PASSWORD_MAX_BYTES} bytes in UTF-8, "
            "which are fewer characters when some are not ASCII"
        )
    return password


def new_refresh_token() -> str:
    """Make an opaque token of 256 random bits."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """Hash a refresh token for storage; 256 random bits need neither salt nor stretching."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
