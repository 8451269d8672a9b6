"""What a user is, and the key that stands for one. Pure: no store, no HTTP, no clock."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

STAFF = "staff"
#: Random bytes of a key. It is made here and never chosen, so it cannot be guessed.
KEY_BYTES = 32
LONGEST_EMAIL = 254
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+\.[^@\s.\x00-\x1f\x7f]+")


@dataclass(frozen=True)
class User:
    """A user's document. `version` counts its changes from 1."""

    id: str
    version: int
    email: str
    name: str
    city: str | None
    roles: tuple[str, ...]
    attributes: dict[str, Any] = field(repr=False)
    key_hash: str = field(repr=False)
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Facts:
    """What users say of themselves."""

    email: str
    name: str
    city: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


def normal_email(text: str) -> str:
    """Return an address as it is kept: trimmed, in lower case. Raises ValueError."""
    email = text.strip().lower()
    if len(email) > LONGEST_EMAIL or not _EMAIL.fullmatch(email):
        raise ValueError("not an address like ada@example.com")
    return email


def new_key() -> str:
    """Make a key up."""
    return secrets.token_urlsafe(KEY_BYTES)


def hash_of(key: str) -> str:
    """Return what is kept of a key. It is too long to guess, so one round is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


def opens(key: str, key_hash: str) -> bool:
    """Tell whether a key is the one whose hash was kept, in the same time for any other."""
    return hmac.compare_digest(hash_of(key), key_hash)
