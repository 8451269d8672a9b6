"""What identity does: accounts, logins, tokens, profiles.

Called by endpoints.py for requests and by app.py at start. It knows neither HTTP nor SQL, but for
the Problems that it raises.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from tarmac_identity import domain, events, repository
from tarmac_identity.logins import LoginLimits, Source
from tarmac_identity.passwords import Passwords
from tarmac_identity.ring import KeyRing
from tarmac_identity.schemas import LoginTokens, Registration, Tokens, UserOut
from tarmac_identity.settings import IdentitySettings
from tarmac_kit import (
    Cache,
    Claims,
    Database,
    Outbox,
    Problem,
    TokenVerifier,
    get_logger,
)

log = get_logger("tarmac_identity")

#: Ended tokens are kept this long, so that their reuse is still recognised as one.
KEEP_ENDED_S = 86_400.0
#: The source of what the service itself hashes.
HERE = "here"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Identity:
    """Accounts and tokens over one database; `cache` and `outbox` may be None."""

    def __init__(
        self,
        database: Database,
        cache: Cache | None,
        passwords: Passwords,
        limits: LoginLimits,
        settings: IdentitySettings,
        *,
        outbox: Outbox | None = None,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._database = database
        self._cache = cache
        self._outbox = outbox
        self._passwords = passwords
        self._settings = settings
        self._now = now
        self.proxies = settings.proxies
        self.ring = KeyRing(database, settings)
        self._limits = limits
        self._verifier = TokenVerifier(
            self.key_set, issuer=settings.jwt_issuer, audience=settings.jwt_audience
        )

    # At start and in the background.

    async def prepare(self) -> None:
        """Read or make the signing keys and ensure the administrator.

        Raises KeyClosedError when the stored key is closed with another secret.
        """
        await self.ring.turn()
        await self._ensure_admin()

    async def prune(self) -> int:
        """Delete what ended a day ago; returns the number of rows."""
        async with self._database.transaction() as conn:
            return await repository.prune(
                conn, keep_s=KEEP_ENDED_S, forgotten_s=self._limits.forgotten_s
            )

    async def _ensure_admin(self) -> None:
        email = self._settings.admin_email
        async with self._database.connection() as conn:
            if await repository.credentials(conn, email) is not None:
                return
        hashed = await self._passwords.hash(self._settings.admin_password, source=HERE)
        async with self._database.transaction() as conn:
            added = await repository.add_user(
                conn,
                user_id=uuid4(),
                email=email,
                name="Administrator",
                password_hash=hashed,
                roles=[domain.STAFF],
            )
        if added is not None:
            log.info("administrator made", email=email)

    # Accounts.

    async def register(self, registration: Registration, *, address: str) -> UserOut:
        """Make an account. Raises 409 when the address has one, 429 for too many."""
        source = Source(address)
        await self._limits.count(source, registration.email)
        hashed = await self._passwords.hash(registration.password, source=source.turn)
        async with self._database.transaction() as conn:
            added = await repository.add_user(
                conn,
                user_id=uuid4(),
                email=registration.email,
                name=registration.name,
                password_hash=hashed,
            )
            if added is not None and self._outbox is not None:
                await self._outbox.add(
                    conn,
                    topic=events.REGISTERED,
                    aggregate_type="user",
                    aggregate_id=str(added.id),
                    payload=events.registered(added),
                )
        if added is None:
            raise Problem(
                409,
                "email_taken",
                "This address has an account",
                "log in, or register with another address",
            )
        return UserOut.model_validate(added)

    async def profile(self, user_id: str) -> tuple[UserOut, bool]:
        """Return a profile and whether it came from the cache. Raises 404."""
        key = _cache_key(user_id)
        if self._cache is not None:
            kept = await self._cache.get(key)
            if kept is not None:
                return UserOut.model_validate(kept), True
        async with self._database.connection() as conn:
            found = await repository.user(conn, _uuid(user_id))
        if found is None:
            raise _no_user()
        profile = UserOut.model_validate(found)
        if self._cache is not None:
            await self._cache.set(
                key, profile.model_dump(mode="json"), ttl_s=self._settings.profile_cache_ttl_s
            )
        return profile, False

    async def rename(self, user_id: str, name: str) -> UserOut:
        """Change a profile's name and forget its cached copy. Raises 404."""
        async with self._database.transaction() as conn:
            changed = await repository.rename(conn, _uuid(user_id), name)
        if changed is None:
            raise _no_user()
        if self._cache is not None:
            await self._cache.delete(_cache_key(user_id))
        return UserOut.model_validate(changed)

    # Tokens.

    async def key_set(self) -> dict[str, Any]:
        """Return the public keys as a JWK set."""
        return self.ring.key_set

    async def verify(self, token: str) -> Claims:
        """Verify an access token by this service's own keys. Raises 401."""
        return await self._verifier.verify(token)

    async def login(
        self, email: str, password: str, *, address: str, device_token: str | None = None
    ) -> LoginTokens:
        """Check a password and begin a session.

        Raises 401, the same one in the same time for an unknown address and a wrong password, and
        429 alike for both when `address` has to wait; see docs/decisions/0017-logins.md.
        """
        email = domain.login_email(email)
        source = Source(address, self._limits.devices.known(device_token, email))
        await self._limits.count(source, email)
        async with self._database.connection() as conn:
            await self._limits.check(conn, email, source)
            found = await repository.credentials(conn, email)
        given = domain.normal_password(password)
        right = await self._passwords.matches(
            given,
            self._passwords.decoy_hash if found is None else found.password_hash,
            source=source.turn,
        )
        if found is None or not right:
            async with self._database.transaction() as conn:
                await self._limits.failed(conn, email, source)
            raise Problem(
                401,
                "invalid_credentials",
                "E-mail address or password is wrong",
                headers={"WWW-Authenticate": "Bearer"},
            )
        async with self._database.transaction() as conn:
            # Once more after the check: of many guesses at once only the first few can succeed.
            await self._limits.check(conn, email, source, lock=True)
            await self._limits.succeeded(conn, email, source)
            tokens = await self._begin(conn, found, family=uuid4())
        if self._passwords.outdated(found.password_hash):
            await self._hash_again(found, given, source)
        return LoginTokens(
            **tokens.model_dump(), device_token=self._limits.devices.issue(device_token, email)
        )

    async def refresh(self, token: str) -> Tokens:
        """Exchange a refresh token for new tokens; it is used up by it.

        Raises 401. A token that comes a second time was stolen, or its thief's came first: the
        whole family ends.
        """
        token_hash = domain.token_hash(token)
        tokens = None
        async with self._database.transaction() as conn:
            await repository.lock_family(conn, token_hash)
            known = await repository.refresh_token(conn, token_hash)
            if known is not None and known.usable(self._now()):
                await repository.mark_used(conn, token_hash)
                user = await repository.user(conn, known.user_id)
                if user is not None:
                    tokens = await self._begin(conn, user, family=known.family)
            elif known is not None and known.used_at is not None:
                await repository.revoke_family(conn, known.family)
                log.warning("refresh token used again", user_id=str(known.user_id))
        if tokens is None:
            raise Problem(
                401,
                "invalid_refresh_token",
                "The refresh token is not valid",
                "log in again",
                headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
            )
        return tokens

    async def logout(self, token: str) -> None:
        """End a session; an unknown token is as good as ended."""
        async with self._database.transaction() as conn:
            token_hash = domain.token_hash(token)
            await repository.lock_family(conn, token_hash)
            known = await repository.refresh_token(conn, token_hash)
            if known is not None:
                await repository.revoke_family(conn, known.family)

    async def _begin(
        self, conn: Any, user: domain.User | domain.Credentials, *, family: UUID
    ) -> Tokens:
        issuer = self.ring.issuer
        if issuer is None:
            raise Problem(503, "starting", "The service is starting", headers={"Retry-After": "1"})
        fresh = domain.new_refresh_token()
        await repository.add_refresh_token(
            conn,
            token_hash=domain.token_hash(fresh),
            family=family,
            user_id=user.id,
            expires_at=self._now() + timedelta(seconds=self._settings.refresh_token_ttl_s),
        )
        ttl_s = self._settings.access_token_ttl_s
        return Tokens(
            access_token=issuer.issue(
                str(user.id), email=user.email, roles=user.roles, ttl_s=ttl_s
            ),
            refresh_token=fresh,
            expires_in=ttl_s,
        )

    async def _hash_again(self, user: domain.Credentials, password: str, source: Source) -> None:
        hashed = await self._passwords.hash(password, source=source.turn)
        async with self._database.transaction() as conn:
            await repository.set_password_hash(conn, user.id, old=user.password_hash, new=hashed)


def _cache_key(user_id: str) -> str:
    return f"user:{user_id}"


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _no_user() from None


def _no_user() -> Problem:
    return Problem(404, "user_not_found", "There is no such user")
