"""Identity in process, over a repository in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from tarmac_identity import app as identity_app
from tarmac_identity import logins, ring, service
from tarmac_identity.domain import Credentials, RefreshToken, StoredKey, User
from tarmac_identity.throttle import Failures
from tarmac_kit import create_app
from tarmac_kit_testing import FakeCache, FakeDatabase, FakeOutbox, InProcess, running

ENVIRON = {
    "SERVICE_NAME": "user-service",
    "DATABASE_URL": "postgresql://nowhere/users",
    "JWT_ISSUER": "https://shop.test",
    "JWT_AUDIENCE": "shop",
    "KEY_ENCRYPTION_SECRET": "a secret of some length",
    "ADMIN_PASSWORD": "administrator's own",
    "BCRYPT_COST": "4",
    "LOGIN_MAX_FAILURES": "3",
    "TRUSTED_PROXIES": "127.0.0.0/8",
    "PUBLISHES": "user.registered",
}


@dataclass
class MemoryRepository:
    """The functions of repository.py over dictionaries, with a clock that a test moves."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    users: dict[UUID, tuple[User, str]] = field(default_factory=dict)
    #: Level and moment of the failures, by address and source.
    failed: dict[tuple[str, str], tuple[float, datetime]] = field(default_factory=dict)
    tokens: dict[bytes, RefreshToken] = field(default_factory=dict)
    keys: list[StoredKey] = field(default_factory=list)
    reads: int = 0
    locks: int = 0

    async def add_user(self, _conn: Any, *, user_id, email, name, password_hash, roles=()):
        if any(user.email == email for user, _ in self.users.values()):
            return None
        added = User(user_id, email, name, list(roles), self.now, self.now)
        self.users[user_id] = (added, password_hash)
        return added

    async def user(self, _conn: Any, user_id: UUID):
        self.reads += 1
        found = self.users.get(user_id)
        return found[0] if found else None

    async def rename(self, _conn: Any, user_id: UUID, name: str):
        if user_id not in self.users:
            return None
        user, password_hash = self.users[user_id]
        self.users[user_id] = (replace(user, name=name), password_hash)
        return self.users[user_id][0]

    async def credentials(self, _conn: Any, email: str):
        for user, password_hash in self.users.values():
            if user.email == email:
                return Credentials(user.id, user.email, user.roles, password_hash)
        return None

    async def set_password_hash(self, _conn: Any, user_id: UUID, *, old: str, new: str) -> None:
        user, kept = self.users[user_id]
        assert kept == old
        self.users[user_id] = (user, new)

    async def failures(self, _conn: Any, email: str, sources: list[str], *, lock: bool = False):
        return {
            source: Failures(level, (self.now - at).total_seconds())
            for source in sources
            for level, at in [self.failed.get((email, source), (0.0, self.now))]
        }

    async def begin_failures(self, _conn: Any, email: str, sources: list[str]) -> None: ...

    async def set_failures(self, _conn: Any, email: str, source: str, level: float) -> None:
        self.failed[email, source] = (level, self.now)

    async def forget_failures(self, _conn: Any, email: str, source: str) -> None:
        self.failed.pop((email, source), None)

    async def add_refresh_token(self, _conn: Any, *, token_hash, family, user_id, expires_at):
        self.tokens[token_hash] = RefreshToken(token_hash, family, user_id, expires_at, None, None)

    async def refresh_token(self, _conn: Any, token_hash: bytes):
        return self.tokens.get(token_hash)

    async def mark_used(self, _conn: Any, token_hash: bytes) -> None:
        self.tokens[token_hash] = replace(self.tokens[token_hash], used_at=self.now)

    async def revoke_family(self, _conn: Any, family: UUID) -> None:
        for token_hash, token in self.tokens.items():
            if token.family == family:
                self.tokens[token_hash] = replace(token, revoked_at=self.now)

    async def prune(self, _conn: Any, *, keep_s: float, forgotten_s: float) -> int:
        return 0

    async def lock_keys(self, _conn: Any) -> None:
        self.locks += 1

    async def signing_keys(self, _conn: Any) -> list[StoredKey]:
        return list(self.keys)

    async def add_signing_key(self, _conn: Any, key: StoredKey) -> None:
        self.keys.append(key)

    async def delete_signing_keys(self, _conn: Any, kids: list[str]) -> None:
        self.keys = [key for key in self.keys if key.kid not in kids]

    async def lock_family(self, _conn: Any, token_hash: bytes) -> None: ...

    def grow_older(self, seconds: float) -> None:
        """Let the stored keys be older by so much."""
        self.keys = [replace(key, age_s=key.age_s + seconds) for key in self.keys]


class OpenDatabase(FakeDatabase):
    """A FakeDatabase that a chassis opens and closes."""

    def add_migrations(self, part: str, folder: object) -> None: ...
    async def open(self) -> None: ...
    async def close(self) -> None: ...


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryRepository:
    memory = MemoryRepository()
    monkeypatch.setattr(service, "repository", memory)
    monkeypatch.setattr(ring, "repository", memory)
    monkeypatch.setattr(logins, "repository", memory)
    return memory


@pytest.fixture
def cache() -> FakeCache:
    return FakeCache()


@pytest.fixture
def outbox() -> FakeOutbox:
    return FakeOutbox()


@pytest.fixture
async def shop(
    store: MemoryRepository, cache: FakeCache, outbox: FakeOutbox, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[InProcess]:
    """A running identity; `shop.app.api.state.identity` is its service."""
    monkeypatch.setattr("tarmac_kit.chassis.Database", lambda *_, **__: OpenDatabase())
    monkeypatch.setattr("tarmac_kit.chassis.Chassis.redis", lambda _self: cache)
    monkeypatch.setattr("tarmac_kit.chassis.Chassis.outbox", lambda _self, _database: outbox)
    async with running(create_app([identity_app.PART], ENVIRON)) as client:
        yield client
