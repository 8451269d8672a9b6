"""What profiles does: users, the tokens that they act with, and what they have ordered.

Called by endpoints.py for requests and by app.py at start. It knows neither HTTP nor the store, but
for the Problems that it raises.
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from tarmac_kit import (
    BadCursorError,
    Claims,
    DuplicateDocumentError,
    Problem,
    StaleDocumentError,
    TokenIssuer,
    TokenVerifier,
    get_logger,
)
from tarmac_kit.tokens import unauthorized
from tarmac_profiles import keys
from tarmac_profiles.domain import STAFF, Facts, User, hash_of, new_key, normal_email, opens
from tarmac_profiles.repository import UserPage, UserRepository
from tarmac_profiles.schemas import OrderPageOut
from tarmac_profiles.settings import ProfilesSettings
from tarmac_profiles.upstream import Orders

log = get_logger(__name__)

#: The same in every replica, so that they make one and not two.
ADMINISTRATOR = str(uuid5(NAMESPACE_URL, "tarmac:profiles:administrator"))


class Profiles:
    """Users over one store of documents."""

    def __init__(self, users: UserRepository, orders: Orders, settings: ProfilesSettings) -> None:
        self._users = users
        self._orders = orders
        self._settings = settings
        self._issuer: TokenIssuer | None = None
        self._verifier = TokenVerifier(
            self.key_set, issuer=settings.jwt_issuer, audience=settings.jwt_audience
        )

    async def prepare(self) -> None:
        """Read or make the signing key and ensure the administrator; at every start.

        Raises KeyClosedError when the stored key is closed with another secret.
        """
        secret = self._settings.key_encryption_secret
        pem = await self._users.signing_key()
        if pem is None:
            made = keys.close_up(await asyncio.to_thread(keys.generate), secret)
            # Another replica may have been faster: all use what is kept.
            if await self._users.keep_signing_key(made):
                log.info("signing key made")
            pem = await self._users.signing_key() or made
        key = keys.open_up(pem, secret)
        self._issuer = TokenIssuer(
            key,
            kid=keys.kid_of(key),
            issuer=self._settings.jwt_issuer,
            audience=self._settings.jwt_audience,
        )
        await self._ensure_administrator()

    async def create(self, facts: Facts) -> tuple[User, str]:
        """Make a user; return it with its key, which is not kept. Problem 409 for a taken address.

        Raises Problem 422 for attributes that no store of documents can hold.
        """
        key = new_key()
        try:
            user = await self._users.add(str(uuid4()), facts, key_hash=hash_of(key))
        except DuplicateDocumentError:
            raise _taken() from None
        except ValueError as error:
            raise _not_storable(error) from None
        return user, key

    async def show(self, caller: Claims, user_id: UUID) -> User:
        """Read a user of one's own, staff any; else problem 404."""
        user = await self._users.find(str(user_id))
        if user is None or not _may_see(caller, user.id):
            raise _unknown(user_id)
        return user

    async def change(self, caller: Claims, user_id: UUID, facts: Facts, version: int) -> User:
        """Change a user as it was at `version`; Problem 409 when it is another by now."""
        user = await self.show(caller, user_id)
        try:
            if user.version != version:
                raise _stale(user.version)
            changed = await self._users.change(user, facts)
        except StaleDocumentError as error:
            raise _stale(error.version) from None
        except DuplicateDocumentError:
            raise _taken() from None
        except ValueError as error:
            raise _not_storable(error) from None
        if changed is None:
            raise _unknown(user_id)
        return changed

    async def page(
        self,
        caller: Claims,
        *,
        email: str | None,
        city: str | None,
        limit: int,
        cursor: str | None,
    ) -> UserPage:
        """List users, the latest first; for staff, else problem 403."""
        if STAFF not in caller.roles:
            raise Problem(403, "forbidden", "This is not for you", f"the role {STAFF} is needed")
        try:
            return await self._users.page(
                email=email and email.strip().lower(), city=city, limit=limit, cursor=cursor
            )
        except BadCursorError as error:
            raise Problem(400, "bad_cursor", "The cursor is not valid", str(error)) from None
        except ValueError:  # an address that no user can have
            return UserPage((), None)

    async def orders(
        self, caller: Claims, user_id: UUID, *, limit: int, cursor: str | None
    ) -> OrderPageOut:
        """Read what the caller has ordered; another user's is problem 404, for staff as well.

        The orders are asked for with the caller's own token, so they can only ever be theirs.
        """
        if caller.subject != str(user_id):
            raise _unknown(user_id)
        return await self._orders.page(limit=limit, cursor=cursor)

    # Tokens.

    async def token(self, email: str, key: str) -> str:
        """Issue an access token for an address and its key; Problem 401 whatever is wrong."""
        try:
            user = await self._users.find_by_email(normal_email(email))
        except ValueError:
            user = None
        if user is None or not opens(key, user.key_hash):
            raise unauthorized("there is no user with this address and this key", error=None)
        return self.token_for(user)

    async def renew_key(self, caller: Claims, user_id: UUID) -> str:
        """Give a user a new key in the earlier one's place; one's own, staff any but its own.

        The administrator's is ADMIN_KEY: problem 409.
        """
        user = await self.show(caller, user_id)
        if user.id == ADMINISTRATOR:
            raise Problem(
                409, "key_is_set", "This key is set elsewhere", "change ADMIN_KEY and start again"
            )
        key = new_key()
        try:
            if await self._users.rekey(user, hash_of(key)) is None:
                raise _unknown(user_id)
        except StaleDocumentError as error:
            raise _stale(error.version) from None
        return key

    def token_for(self, user: User) -> str:
        """Issue an access token that speaks for a user."""
        if self._issuer is None:
            raise Problem(
                503, "starting", "The service is still starting", headers={"Retry-After": "1"}
            )
        return self._issuer.issue(
            user.id,
            email=user.email,
            roles=user.roles,
            ttl_s=self._settings.access_token_ttl_s,
        )

    @property
    def token_ttl_s(self) -> int:
        """Say for how long a token is valid."""
        return self._settings.access_token_ttl_s

    async def verify(self, token: str) -> Claims:
        """Return the user of a token; Problem 401 if it is not one of ours."""
        return await self._verifier.verify(token)

    async def key_set(self) -> dict[str, Any]:
        """Return the public key as a JWK set."""
        return {"keys": []} if self._issuer is None else self._issuer.jwks()

    async def _ensure_administrator(self) -> None:
        """Make the administrator, or give it the key that is set now."""
        email, key_hash = self._settings.admin_email, hash_of(self._settings.admin_key)
        facts = Facts(email, "Administrator")
        try:
            await self._users.add(ADMINISTRATOR, facts, key_hash=key_hash, roles=(STAFF,))
            log.info("administrator made", email=email)
        except DuplicateDocumentError:
            user = await self._users.find(ADMINISTRATOR)
            if user is None:
                log.warning("the administrator's address is another user's", email=email)
            elif user.key_hash != key_hash:
                try:
                    await self._users.rekey(user, key_hash)
                except StaleDocumentError:
                    log.info("another replica set the administrator's key")


def _may_see(caller: Claims, user_id: str) -> bool:
    return caller.subject == user_id or STAFF in caller.roles


def _unknown(user_id: UUID) -> Problem:
    return Problem(404, "user_unknown", "There is no such user", str(user_id))


def _taken() -> Problem:
    return Problem(
        409,
        "email_taken",
        "This address has a user",
        "get a token with the address and its key, or take another address",
    )


def _stale(version: int) -> Problem:
    return Problem(
        409,
        "version_conflict",
        "The user was changed meanwhile",
        f"it has version {version} now; read it and change that one",
        version=version,
    )


def _not_storable(error: ValueError) -> Problem:
    return Problem(422, "not_storable", "This cannot be kept in a document", str(error))
