"""A database whose user changes, on a real PostgreSQL: its URL is in a file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from tarmac_kit import Database, DatabaseUnavailable
from tarmac_kit_testing import FakeClock

pytestmark = pytest.mark.servers


@dataclass
class LeasedUrl:
    """A file with the URL of a user, and who renews it and takes users away."""

    admin_url: str
    file: Path
    #: The role that they act as, which owns what they make.
    owner: str = field(default_factory=lambda: f"o{uuid4().hex[:12]}")
    users: list[str] = field(default_factory=list)

    async def renew(self) -> str:
        """Make a user, write its URL, and give its name."""
        user = f"u{uuid4().hex[:12]}"
        await self.say(f"CREATE ROLE {user} LOGIN IN ROLE {self.owner}")
        await self.say(f"ALTER ROLE {user} SET role TO {self.owner}")
        self.users.append(user)
        self.file.write_text(self.admin_url.replace("//postgres@", f"//{user}@") + "\n")
        return user

    async def revoke(self, user: str) -> None:
        """End a user's sessions and take it away."""
        await self.say(
            f"SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE usename = '{user}'"
        )
        await self.say(f"DROP ROLE {user}")
        self.users.remove(user)

    async def say(self, statement: str) -> None:
        """Do something as the administrator."""
        conn = await asyncpg.connect(self.admin_url)
        try:
            await conn.execute(statement)
        finally:
            await conn.close()


@pytest.fixture
async def leased(database_url: str, tmp_path: Path) -> AsyncIterator[LeasedUrl]:
    """Give the file that has a user's URL, and what renews it and takes users away."""
    lends = LeasedUrl(database_url, tmp_path / "url")
    await lends.say(f"CREATE ROLE {lends.owner}; GRANT ALL ON SCHEMA public TO {lends.owner}")
    yield lends
    for user in [*lends.users]:
        await lends.revoke(user)
    await lends.say(f"DROP OWNED BY {lends.owner}; DROP ROLE {lends.owner}")


async def test_connections_that_grew_old_are_replaced_by_such_of_the_next_user(
    leased: LeasedUrl,
) -> None:
    clock = FakeClock()
    first = await leased.renew()
    database = Database(leased.file, max_age_s=60, clock=clock)
    await database.open()
    async with database.connection() as conn:
        assert await conn.fetchval("select session_user") == first
    second = await leased.renew()
    async with database.connection() as conn:
        assert await conn.fetchval("select session_user") == first
        clock.advance(61)
    async with database.connection() as conn:
        assert await conn.fetchval("select session_user") == second
    await database.close()


async def test_a_user_that_was_taken_away_costs_a_503_and_the_next_one_serves(
    leased: LeasedUrl,
) -> None:
    first = await leased.renew()
    database = Database(leased.file)
    await database.open()
    await database.ping()
    await leased.revoke(first)
    with pytest.raises(DatabaseUnavailable):
        async with database.connection() as conn:
            await conn.fetchval("select 1")
    with pytest.raises(DatabaseUnavailable, match="cannot be reached"):
        await database.ping()  # the file has still the one who is gone
    second = await leased.renew()
    async with database.connection() as conn:
        assert await conn.fetchval("select session_user") == second
    await database.close()


async def test_a_start_waits_for_a_user_who_is_known(leased: LeasedUrl) -> None:
    await leased.revoke(await leased.renew())
    database = Database(leased.file)
    opening = asyncio.create_task(database.open())
    await asyncio.sleep(0.2)
    assert not opening.done()
    await leased.renew()
    await opening
    await database.close()
