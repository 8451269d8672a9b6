"""A database that its users share: what one of them makes, all of them read, change and drop."""

from __future__ import annotations

import asyncio
import sys

import asyncpg
import pytest
from sandbox import PORT, Sandbox

SYSTEM = f"""
    tarmac: 1
    system: small
    services:
      web: {{run: [{sys.executable}, server.py], port: {PORT}, env: {{DB: "${{stores.db.url}}"}}}}
      other: {{run: [{sys.executable}, server.py], port: {PORT + 1}, stores: {{db: db}}}}
    stores:
      db: SHAPE
    """

pytestmark = pytest.mark.servers


def told(box: Sandbox, service: str, statement: str) -> str:
    """Run a statement as a service; return the server's refusal, "" if it did it."""
    url = box.tarmac("connect", "db", "--as", service, "--url").stdout.strip()

    async def ask() -> str:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        except asyncpg.PostgresError as error:
            return str(error)
        finally:
            await connection.close()
        return ""

    return asyncio.run(ask())


def test_what_a_service_made_is_its_own_until_the_store_is_shared(sandbox: Sandbox):
    sandbox.write(SYSTEM.replace("SHAPE", "postgres"))
    sandbox.up("--fast-stores")
    assert told(sandbox, "web", "CREATE TABLE before (x int)") == ""
    assert "permission denied" in told(sandbox, "other", "SELECT * FROM before")
    sandbox.write(SYSTEM.replace("SHAPE", "{kind: postgres, shared: true}"))
    sandbox.up("--fast-stores")
    for name in ("before", "after"):
        assert told(sandbox, "web", f"CREATE TABLE IF NOT EXISTS {name} (x int)") == ""
        assert told(sandbox, "other", f"INSERT INTO {name} VALUES (1)") == ""
        assert told(sandbox, "other", f"ALTER TABLE {name} ADD COLUMN y int") == ""
    assert told(sandbox, "other", "DROP TABLE after") == ""


def test_a_store_may_have_the_name_of_the_database_that_every_server_has(sandbox: Sandbox):
    renamed = SYSTEM.replace("db: SHAPE", "postgres: postgres").replace(
        "stores.db", "stores.postgres"
    )
    sandbox.write(renamed.replace("{db: db}", "{db: postgres}"))
    sandbox.up("--fast-stores")
    url = sandbox.tarmac("connect", "postgres", "--as", "web", "--url").stdout.strip()
    assert url.endswith("/postgres")
