"""Access tokens: issued by the service that holds the key, verified by everyone through JWKS.

RS256 and nothing else. Used by identity (issues), by services through `CurrentUser` and
`require_role`, and by the gateway. It never logs or stores a token.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import uuid4

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from tarmac_kit.problems import Problem

ALGORITHM = "RS256"
LEEWAY_S = 5
#: Unknown key ids cannot make this service ask for keys more often than this.
REFETCH_AFTER_S = 10.0
#: Keys are asked for again after this, so that one that was withdrawn ends.
KEEP_KEYS_S = 300.0
#: While the issuer cannot be reached, requests fail at once for this long, not one by one.
REST_S = 1.0
#: Verified tokens whose claims are remembered, by their hash: a signature takes 0.1 ms to check.
REMEMBERED = 1024

FetchKeys = Callable[[], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class Claims:
    """The subject of a verified token. `expires_at` is in Unix seconds."""

    subject: str
    email: str
    roles: frozenset[str]
    token_id: str
    expires_at: int


def unauthorized(detail: str, *, error: str | None = "invalid_token") -> Problem:
    """Return the 401 with its WWW-Authenticate challenge (RFC 6750)."""
    challenge = "Bearer" if error is None else f'Bearer error="{error}"'
    return Problem(
        401,
        "unauthorized",
        "A valid access token is needed",
        detail,
        headers={"WWW-Authenticate": challenge},
    )


def _keys_unavailable() -> Problem:
    return Problem(
        503,
        "keys_unavailable",
        "Tokens cannot be verified now",
        "the issuer's keys cannot be fetched",
        headers={"Retry-After": "1"},
    )


class TokenIssuer:
    """Signs tokens with one RSA key."""

    def __init__(self, signing_key: Any, *, kid: str, issuer: str, audience: str) -> None:
        """Take a PEM text or a cryptography RSA private key."""
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - see verify
            load_pem_private_key,
        )

        if isinstance(signing_key, str):
            signing_key = signing_key.encode()
        if isinstance(signing_key, bytes):
            signing_key = load_pem_private_key(signing_key, password=None)
        self._key = signing_key
        self.kid = kid
        self.issuer = issuer
        self.audience = audience

    def issue(
        self, subject: str, *, email: str = "", roles: Sequence[str] = (), ttl_s: int = 900
    ) -> str:
        """Return a signed token that is valid from now for `ttl_s`."""
        import jwt  # noqa: PLC0415 - see verify

        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "email": email,
            "roles": sorted(roles),
            "jti": str(uuid4()),
            "iat": now,
            "nbf": now,
            "exp": now + ttl_s,
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": self.kid})

    def jwks(self) -> dict[str, Any]:
        """Return the public key as a JWK set."""
        from jwt.algorithms import RSAAlgorithm  # noqa: PLC0415 - see verify

        key = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**key, "kid": self.kid, "use": "sig", "alg": ALGORITHM}]}


class TokenVerifier:
    """Verifies tokens by the issuer's published keys."""

    def __init__(
        self,
        fetch: FetchKeys,
        *,
        issuer: str,
        audience: str,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take a `fetch` that returns a JWK set; if it raises and no key is known, that is 503.

        `now` is in Unix seconds.
        """
        self._fetch = fetch
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._now = now
        self._keys: dict[str, Any] = {}
        #: By the hash of a token that was verified with the present keys: its key's id, its claims.
        self._known: dict[bytes, tuple[str, Claims]] = {}
        self._fetched_at: float | None = None
        self._failed_at: float | None = None
        self._lock = asyncio.Lock()

    async def verify(self, token: str) -> Claims:
        """Return the claims, or raise the 401 Problem; 503 when the keys cannot be had.

        A known token counts as verified until it expires or the keys are fetched again.
        """
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        if (known := self._known.get(digest)) is not None:
            # The keys that are due are fetched all the same; then nothing is known any more.
            await self._key(known[0])
            if digest in self._known and known[1].expires_at > self._now() - LEEWAY_S:
                return known[1]
        found = await self._verified(token)
        while len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[digest] = found
        return found[1]

    async def _verified(self, token: str) -> tuple[str, Claims]:
        import jwt  # noqa: PLC0415 - cryptography takes 30 ms and not every service checks tokens

        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise unauthorized("the token cannot be read") from None
        kid = header.get("kid")
        if header.get("alg") != ALGORITHM or not isinstance(kid, str) or not kid:
            raise unauthorized("the token must be signed with RS256 and name its key")
        key = await self._key(kid)
        if key is None:
            raise unauthorized("the token's key is not known")
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_S,
                options={"require": ["iss", "aud", "exp", "nbf", "iat", "sub"]},
            )
        except jwt.ExpiredSignatureError:
            raise unauthorized("the token is expired") from None
        except jwt.PyJWTError:
            raise unauthorized("the token is not valid") from None
        roles = claims.get("roles", [])
        if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
            raise unauthorized("the token's roles are no list of names")
        if not claims["sub"]:
            raise unauthorized("the token names no subject")
        return kid, Claims(
            subject=str(claims["sub"]),
            email=str(claims.get("email", "")),
            roles=frozenset(roles),
            token_id=str(claims.get("jti", "")),
            expires_at=int(claims["exp"]),
        )

    async def _key(self, kid: str) -> Any:
        if self._due(kid):
            async with self._lock:
                if self._due(kid):
                    await self._refetch()
        return self._keys.get(kid)

    def _due(self, kid: str) -> bool:
        if self._fetched_at is None:
            return True
        age_s = self._clock() - self._fetched_at
        return age_s >= (KEEP_KEYS_S if kid in self._keys else REFETCH_AFTER_S)

    async def _refetch(self) -> None:
        import jwt  # noqa: PLC0415 - see verify

        if self._failed_at is not None and self._clock() - self._failed_at < REST_S:
            raise _keys_unavailable()
        try:
            found = jwt.PyJWKSet.from_dict(await self._fetch())
        except Exception as error:
            if not self._keys:
                self._failed_at = self._clock()
                raise _keys_unavailable() from error
        else:
            self._known.clear()
            self._keys = {
                key.key_id: key.key
                for key in found.keys
                if key.key_id and key.key_type == "RSA" and key.public_key_use in (None, "sig")
            }
        self._fetched_at = self._clock()


_bearer = HTTPBearer(auto_error=False, description="An access token (RS256).")


async def require_user(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Claims:
    """Return the caller's claims; a FastAPI dependency. 401 without a valid token."""
    if credentials is None:
        raise unauthorized("send Authorization: Bearer <token>", error=None)
    verifier: TokenVerifier = request.app.state.chassis.verifier()
    return await verifier.verify(credentials.credentials)


CurrentUser = Annotated[Claims, Depends(require_user)]


def require_role(role: str) -> Callable[[Claims], Awaitable[Claims]]:
    """Return a dependency that gives the caller's claims, or 403 without `role`."""

    async def check(user: CurrentUser) -> Claims:
        if role not in user.roles:
            raise Problem(403, "forbidden", "This is not for you", f"the role {role} is needed")
        return user

    return check
