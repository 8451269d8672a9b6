"""What a visitor's browser keeps for us: sealed values, and what is in them.

Used by visit.py. A sealed value is encrypted and authenticated (Fernet), has a purpose, so that one
cookie is never taken for another, and an age. It never holds a password.
"""

from __future__ import annotations

import base64
import json
import secrets
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

#: Browsers keep a cookie of 4096 bytes, its name and attributes included.
MOST_BYTES = 3900
#: An unsealed value is never larger, whatever was compressed.
MOST_UNSEALED = 64 * 1024
#: The most lines that a cart in a cookie holds.
MOST_LINES = 50
MOST_OF_ONE = 99


class Seal:
    """Seals values for one purpose with the first of its secrets, and opens those of all."""

    def __init__(self, secrets: Iterable[str], purpose: str) -> None:
        known = [_fernet(secret, purpose) for secret in secrets]
        self._first, self._fernet = known[0], MultiFernet(known)

    def is_old(self, text: str) -> bool:
        """Tell whether another secret than the first has sealed a value, which ends with it."""
        try:
            self._first.extract_timestamp(text.encode())
        except InvalidToken:
            return True
        return False

    def close(self, value: Any) -> str:
        """Return `value` (JSON) as text that only `open` reads."""
        raw = json.dumps(value, separators=(",", ":")).encode()
        return self._fernet.encrypt(zlib.compress(raw, 6)).decode()

    def open(self, text: str, *, max_age_s: float) -> Any:
        """Return the value; None when it is not ours, changed, or older."""
        try:
            packed = self._fernet.decrypt(text.encode(), ttl=int(max_age_s))
            opener = zlib.decompressobj()
            raw = opener.decompress(packed, MOST_UNSEALED)
            return None if opener.unconsumed_tail else json.loads(raw)
        except (InvalidToken, zlib.error, ValueError):
            return None


def _fernet(secret: str, purpose: str) -> Fernet:
    derived = HKDF(hashes.SHA256(), 32, salt=None, info=f"tarmac-web {purpose}".encode())
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret.encode())))


@dataclass(frozen=True)
class Session:
    """The visitor's identity and their tokens; `csrf` also without a login."""

    csrf: str = ""
    access_token: str = ""
    refresh_token: str = ""
    #: Seconds since the epoch.
    access_ends_at: float = 0.0
    name: str = ""
    email: str = ""

    @property
    def logged_in(self) -> bool:
        """Return whether there are tokens, ended ones included."""
        return bool(self.refresh_token)

    def with_tokens(self, tokens: dict[str, Any], *, now: float) -> Session:
        """Return the session with what the API's login or refresh gave."""
        return replace(
            self,
            access_token=str(tokens["access_token"]),
            refresh_token=str(tokens["refresh_token"]),
            access_ends_at=now + float(tokens["expires_in"]),
        )

    def logged_out(self) -> Session:
        """Return a new visitor's session."""
        return Session()


def begun() -> Session:
    """Return a session with a value for its forms that no other visitor knows."""
    return Session(csrf=secrets.token_urlsafe(24))


def session_from(data: Any) -> Session:
    """Return the session that `asdict` wrote; an empty one for anything else."""
    try:
        return Session(**data)
    except TypeError:
        return Session()


def session_to(session: Session) -> dict[str, Any]:
    """Return what `session_from` reads."""
    return {name: value for name, value in asdict(session).items() if value}


def cart_from(data: Any) -> dict[str, int]:
    """Return a cart, product by quantity; nothing for anything that is none."""
    if not isinstance(data, dict):
        return {}
    return {
        str(product): quantity
        for product, quantity in list(data.items())[:MOST_LINES]
        if isinstance(quantity, int) and 0 < quantity <= MOST_OF_ONE
    }
