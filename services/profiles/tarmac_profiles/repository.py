"""The documents of profiles: users and the signing key. Called by the service; decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tarmac_kit import Document, Documents, DuplicateDocumentError
from tarmac_profiles.domain import Facts, User

#: There is one signing key; the replica that makes it first makes it for all replicas.
SIGNING_KEY = "current"


@dataclass(frozen=True)
class UserPage:
    """Some users and, if there are more, where the next page begins."""

    users: tuple[User, ...]
    next_cursor: str | None


class UserRepository:
    """Reads and writes users."""

    def __init__(self, documents: Documents) -> None:
        self._users = documents.collection("users", unique=("email",), found_by=("city",))
        self._keys = documents.collection("signing_keys")

    async def add(
        self, user_id: str, facts: Facts, *, key_hash: str, roles: Sequence[str] = ()
    ) -> User:
        """Insert a user; DuplicateDocumentError for an address that has one."""
        body = {**_said(facts), "roles": list(roles), "key_hash": key_hash}
        return _user(await self._users.insert(user_id, body))

    async def find(self, user_id: str) -> User | None:
        """Read a user."""
        found = await self._users.get(user_id)
        return _user(found) if found else None

    async def find_by_email(self, email: str) -> User | None:
        """Read the user who has an address."""
        page = await self._users.find({"email": email}, limit=1)
        return _user(page.items[0]) if page.items else None

    async def change(self, user: User, facts: Facts) -> User | None:
        """Give a user as read other facts; None when gone, StaleDocumentError when changed."""
        return await self._replace(user, {**_whole(user), **_said(facts)})

    async def rekey(self, user: User, key_hash: str) -> User | None:
        """Give a user as read another key; as `change`."""
        return await self._replace(user, {**_whole(user), "key_hash": key_hash})

    async def page(
        self, *, email: str | None, city: str | None, limit: int, cursor: str | None
    ) -> UserPage:
        """Read up to `limit` users, the latest first; BadCursorError for a strange cursor."""
        asked = {"email": email, "city": city}
        equal = {name: value for name, value in asked.items() if value is not None}
        page = await self._users.find(equal, limit=limit, cursor=cursor)
        return UserPage(tuple(map(_user, page.items)), page.next_cursor)

    async def signing_key(self) -> str | None:
        """Read the encrypted signing key."""
        found = await self._keys.get(SIGNING_KEY)
        return str(found.body["pem"]) if found else None

    async def keep_signing_key(self, pem: str) -> bool:
        """Keep the encrypted signing key, if none was kept before."""
        try:
            await self._keys.insert(SIGNING_KEY, {"pem": pem})
        except DuplicateDocumentError:
            return False
        return True

    async def _replace(self, user: User, body: dict[str, Any]) -> User | None:
        read = Document(user.id, user.version, user.created_at, user.updated_at)
        changed = await self._users.replace(read, body)
        return _user(changed) if changed else None


def _said(facts: Facts) -> dict[str, Any]:
    return {
        "email": facts.email,
        "name": facts.name,
        "city": facts.city,
        "attributes": dict(facts.attributes),
    }


def _whole(user: User) -> dict[str, Any]:
    facts = Facts(user.email, user.name, user.city, user.attributes)
    return {**_said(facts), "roles": list(user.roles), "key_hash": user.key_hash}


def _user(document: Document) -> User:
    body = document.body
    return User(
        id=document.id,
        version=document.version,
        email=body["email"],
        name=body["name"],
        city=body.get("city"),
        roles=tuple(body["roles"]),
        attributes=body["attributes"],
        key_hash=body["key_hash"],
        created_at=document.created_at,
        updated_at=document.updated_at,
    )
