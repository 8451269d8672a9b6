"""Signing keys: made, named, and closed up for the database. No SQL, no network.

Used by service.py at start. A private key leaves this process only as AES-256-GCM under a key
that is derived from KEY_ENCRYPTION_SECRET, bound to its kid.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwt.algorithms import RSAAlgorithm

_NONCE_BYTES = 12
_INFO = b"tarmac identity: signing keys"


class KeyClosedError(Exception):
    """A stored key cannot be opened with this KEY_ENCRYPTION_SECRET."""


@dataclass(frozen=True)
class SigningKey:
    """A private key, its name and its public half as a JWK."""

    kid: str
    private_key: rsa.RSAPrivateKey
    public_jwk: dict[str, Any]


def generate() -> SigningKey:
    """Make an RSA key of 2048 bits; takes a tenth of a second, so call it in a thread."""
    return named(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def named(private_key: rsa.RSAPrivateKey) -> SigningKey:
    """Name a key by its thumbprint (RFC 7638) and write its public half as a JWK."""
    jwk = RSAAlgorithm.to_jwk(private_key.public_key(), as_dict=True)
    kid = thumbprint(jwk)
    public = {"kty": jwk["kty"], "n": jwk["n"], "e": jwk["e"], "kid": kid}
    return SigningKey(kid, private_key, {**public, "use": "sig", "alg": "RS256"})


def thumbprint(jwk: dict[str, Any]) -> str:
    """Return the RFC 7638 thumbprint of an RSA key: SHA-256 of its required members."""
    members = {name: jwk[name] for name in ("e", "kty", "n")}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def close_up(key: SigningKey, secret: str) -> bytes:
    """Encrypt the private half: nonce, then ciphertext; the kid is authenticated with it."""
    plain = key.private_key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(_derived(secret)).encrypt(nonce, plain, key.kid.encode())


def open_up(kid: str, closed: bytes, secret: str) -> SigningKey:
    """Decrypt a stored key. Raises KeyClosedError for another secret or a changed row."""
    nonce, ciphertext = closed[:_NONCE_BYTES], closed[_NONCE_BYTES:]
    try:
        plain = AESGCM(_derived(secret)).decrypt(nonce, ciphertext, kid.encode())
    except (InvalidTag, ValueError):
        raise KeyClosedError(
            f"signing key {kid}: cannot be opened with this KEY_ENCRYPTION_SECRET; give the one "
            "that it was stored with, or delete the row (every access token then ends)"
        ) from None
    private_key = serialization.load_der_private_key(plain, password=None)
    if not isinstance(private_key, rsa.RSAPrivateKey) or named(private_key).kid != kid:
        raise KeyClosedError(f"signing key {kid}: holds another key; delete the row")
    return named(private_key)


def _derived(secret: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=_INFO).derive(secret.encode())
