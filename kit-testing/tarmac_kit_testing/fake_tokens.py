"""Access tokens of tests: an issuer with a key of its own, tokens of it, forged ones, a verifier.

Re-exported by `testing`, and used by `crashing`, for tests only.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from tarmac_kit.tokens import ALGORITHM, TokenIssuer, TokenVerifier

ISSUER = "https://issuer.test"
AUDIENCE = "tests"


@cache
def signing_key() -> Any:
    """Return an RSA private key, made once per process."""
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415 - only with tokens

    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def issuer() -> TokenIssuer:
    """Return the issuer of `issue_token`."""
    return TokenIssuer(signing_key(), kid="test", issuer=ISSUER, audience=AUDIENCE)


def issue_token(
    subject: str | UUID,
    *,
    email: str = "someone@example.com",
    roles: Sequence[str] = (),
    ttl_s: int = 86_400,
) -> str:
    """Return a token that `static_verifier` accepts.

    It lasts a day: a test module makes its tokens when it is imported, and a whole suite may take
    longer than a token of production lives.
    """
    return issuer().issue(str(subject), email=email, roles=roles, ttl_s=ttl_s)


def forge_token(
    *,
    headers: Mapping[str, Any] | None = None,
    key: Any = None,
    algorithm: str = ALGORITHM,
    without: Sequence[str] = (),
    **claims: Any,
) -> str:
    """Return a token whose claims, headers, key or algorithm are as given, right otherwise.

    A header that is None is left out.
    """
    import jwt  # noqa: PLC0415 - only with tokens

    now = int(time.time())
    sent = {"kid": "test", **(headers or {})}
    right = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "someone",
        "iat": now,
        "nbf": now,
        "exp": now + 900,
        "jti": "forged",
    }
    body = {name: value for name, value in {**right, **claims}.items() if name not in without}
    return jwt.encode(
        body,
        signing_key() if key is None else key,
        algorithm=algorithm,
        headers={name: value for name, value in sent.items() if value is not None},
    )


def static_verifier() -> TokenVerifier:
    """Return a verifier that knows the key of `issue_token` without asking anyone."""

    async def fetch() -> dict[str, Any]:
        return issuer().jwks()

    return TokenVerifier(fetch, issuer=ISSUER, audience=AUDIENCE)
