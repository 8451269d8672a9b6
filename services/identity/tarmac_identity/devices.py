"""Tokens by which a device is known after a login: the right password always works from there.

Used by logins.py. A token is a JWT under a key derived from KEY_ENCRYPTION_SECRET; it names, as
keyed digests, the accounts that logged in on the device. It opens nothing by itself.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

import jwt
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_ALGORITHM = "HS256"
_USE = "device"
#: The accounts that a device remembers; the one that logged in longest ago is forgotten first.
MOST_ACCOUNTS = 5


@dataclass(frozen=True)
class Device:
    """What a token says: the device's id, and until when it is known to which account."""

    id: str
    known_until: Mapping[str, int]


class Devices:
    """Issues and reads device tokens."""

    def __init__(
        self, secret: str, *, ttl_s: float, clock: Callable[[], float] = time.time
    ) -> None:
        derived = HKDF(SHA256(), 64, salt=None, info=b"tarmac identity: devices")
        keys = derived.derive(secret.encode())
        self._signing, self._naming = keys[:32], keys[32:]
        self._ttl_s = ttl_s
        self._clock = clock

    def known(self, token: str | None, email: str) -> str | None:
        """Return the device's id if the account has logged in there before, else None."""
        device = self._read(token)
        if device is None or device.known_until.get(self._name(email), 0) <= self._clock():
            return None
        return device.id

    def issue(self, token: str | None, email: str) -> str:
        """Return the token of a device on which the account has logged in now.

        `token` is the one that the device had: its other accounts stay known.
        """
        now = self._clock()
        device = self._read(token) or Device(secrets.token_urlsafe(12), {})
        name = self._name(email)
        others = {key: end for key, end in device.known_until.items() if key != name and end > now}
        latest = sorted(others.items(), key=lambda entry: entry[1])[-(MOST_ACCOUNTS - 1) :]
        claims = {
            "use": _USE,
            "sub": device.id,
            "known_until": {**dict(latest), name: int(now + self._ttl_s)},
        }
        return jwt.encode(claims, self._signing, algorithm=_ALGORITHM)

    def _read(self, token: str | None) -> Device | None:
        if not token:
            return None
        try:
            claims = jwt.decode(token, self._signing, algorithms=[_ALGORITHM])
        except (jwt.InvalidTokenError, ValueError):
            return None
        if claims.get("use") != _USE:
            return None
        return Device(str(claims["sub"]), claims["known_until"])

    def _name(self, email: str) -> str:
        digest = hmac.digest(self._naming, email.encode(), sha256)[:16]
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
