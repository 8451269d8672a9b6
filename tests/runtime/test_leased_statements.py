"""The SQL by which a vault makes a user of PostgreSQL for a while, on a real server."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
from urllib.parse import urlsplit

import asyncpg
import pytest
from sandbox import PORT, Sandbox

from tarmac.base import registry
from tarmac.base.launch import Secret
from tarmac.catalog import stores
from tarmac.catalog.stores.kind import StoreContext, User, UserLease
from tarmac_kit.database import connection_errors

KIND = registry.load(stores, "STORE")["postgres"]
SYSTEM = f"""
    tarmac: 1
    system: small
    services:
      web: {{run: [{sys.executable}, server.py], port: {PORT}, env: {{DB: "${{stores.db.url}}"}}}}
    stores:
      db: SHAPE
    """

pytestmark = pytest.mark.servers


def made(*, shared: bool) -> UserLease:
    """Give the statements for the users of the service."""
    user = User("web", Secret("stores/db/web"), leased=True)
    context = StoreContext("db", "db", {"main": 5432}, "db", Secret("a"), (user,), shared=shared)
    assert KIND.lease is not None
    return KIND.lease(context, user)


class Server:
    """A server, its administrator, and users as a vault makes them."""

    def __init__(self, url: str, lease: UserLease) -> None:
        self.url = url
        self.lease = lease

    async def create(self, name: str, lives: dt.timedelta) -> str:
        """Make a user, and give its URL."""
        given = {
            "{{name}}": name,
            "{{password}}": "secret",
            "{{expiration}}": (dt.datetime.now(dt.UTC) + lives).isoformat(),
        }
        await self.say(self.lease.create, given)
        return self.url.replace(urlsplit(self.url).netloc.partition("@")[0], f"{name}:secret")

    async def revoke(self, name: str) -> None:
        """Take a user away."""
        await self.say(self.lease.revoke, {"{{name}}": name})

    async def say(self, statements: tuple[str, ...], given: dict[str, str]) -> None:
        """Say something as the administrator, in one transaction, as a vault does."""
        admin = await asyncpg.connect(self.url)
        async with admin.transaction():
            text = ";\n".join(statements)
            for placeholder, value in given.items():
                text = text.replace(placeholder, value)
            await admin.execute(text)
        await admin.close()


@pytest.mark.parametrize("shared", [False, True])
def test_users_come_act_as_their_service_and_go_with_their_sessions(sandbox: Sandbox, shared):
    sandbox.write(SYSTEM.replace("SHAPE", f"{{kind: postgres, shared: {str(shared).lower()}}}"))
    sandbox.up("--fast-stores")
    url = sandbox.tarmac("connect", "db", "--url").stdout.strip()
    asyncio.run(live_and_go(Server(url, made(shared=shared)), "tarmac.shared" if shared else "web"))


async def live_and_go(server: Server, owner: str) -> None:
    """Have two users come, one after the other, and the first go."""
    long = dt.timedelta(hours=1)
    first = await asyncpg.connect(await server.create("v-first.1", long))
    await first.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)")
    second = await asyncpg.connect(await server.create("v-second.2", long))
    await second.execute("ALTER TABLE kept ADD COLUMN m int; UPDATE kept SET n = n + 1")
    await server.revoke("v-first.1")
    with pytest.raises(connection_errors()):
        await first.fetch("SELECT 1")
    first.terminate()
    assert await second.fetchval("SELECT n FROM kept") == 2
    whose = await second.fetchval("SELECT tableowner FROM pg_tables WHERE tablename = 'kept'")
    assert whose == owner
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await second.execute("CREATE ROLE another")
    await second.close()
    late = await server.create("v-late.3", dt.timedelta(seconds=-1))
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asyncpg.connect(late)
