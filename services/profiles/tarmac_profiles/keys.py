"""The key that signs access tokens: made, and closed up for its document. No store, no network.

The private half leaves this process only as PKCS #8, encrypted under KEY_ENCRYPTION_SECRET.
"""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


class KeyClosedError(Exception):
    """The stored key cannot be opened with this KEY_ENCRYPTION_SECRET."""


def generate() -> rsa.RSAPrivateKey:
    """Make an RSA key of 2048 bits; takes a tenth of a second, so call it in a thread."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def kid_of(key: rsa.RSAPrivateKey) -> str:
    """Name a key by a digest of its public half."""
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(public).hexdigest()[:32]


def close_up(key: rsa.RSAPrivateKey, secret: str) -> str:
    """Encrypt the private half as PEM text."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(secret.encode()),
    ).decode()


def open_up(pem: str, secret: str) -> rsa.RSAPrivateKey:
    """Decrypt a stored key. Raises KeyClosedError for another secret or a changed document."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=secret.encode())
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KeyClosedError(
            "signing key: cannot be opened with this KEY_ENCRYPTION_SECRET; give the one that it "
            "was stored with, or delete the document (every access token then ends)"
        )
    return key
