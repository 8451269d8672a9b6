"""Snapshots: what the stores held at one point comes back, and only the stores are restarted."""

from __future__ import annotations

import asyncio
import json

import asyncpg
import pytest
from sandbox import Sandbox

from tarmac.run.local.supervisor import client

#: The tests write over the administrator's URL; what is between is there to stay as it is.
SYSTEM = """
    tarmac: 1
    system: kept
    services:
      idle: {run: [sleep, "3600"], env: {URL: "${stores.db.url}", KEYS: "${stores.cache.url}"}}
    stores:
      cache: redis
      db: postgres
    invariants:
      no-negative:
        about: No amount is below zero.
        store: db
        query: SELECT amount FROM goods WHERE amount < 0
    """


def say(box: Sandbox, *statements: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(client.store_url(box.home, "db"))
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    asyncio.run(run())


def amounts(box: Sandbox) -> list[int]:
    async def run() -> list[int]:
        connection = await asyncpg.connect(client.store_url(box.home, "db"))
        rows = await connection.fetch("SELECT amount FROM goods ORDER BY amount")
        await connection.close()
        return [row["amount"] for row in rows]

    return asyncio.run(run())


@pytest.fixture
def kept(sandbox: Sandbox) -> Sandbox:
    sandbox.write(SYSTEM)
    sandbox.up()
    say(sandbox, "CREATE TABLE goods (amount int)", "INSERT INTO goods VALUES (1)")
    return sandbox


def snapshot(box: Sandbox, *words: str) -> dict:
    done = box.tarmac("snapshot", *words, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_later_rows_are_gone_after_a_load_and_services_are_not_restarted(kept: Sandbox):
    saved = snapshot(kept, "save", "one")
    assert set(saved["stores"]) == {"db", "cache"}
    say(kept, "INSERT INTO goods VALUES (2)")
    before = kept.node("idle")["pid"]
    loaded = snapshot(kept, "load", "one")
    assert amounts(kept) == [1]
    assert loaded["healthy"]
    assert [result["holds"] for result in loaded["invariants"]] == [True]
    assert kept.node("idle")["pid"] == before
    assert [one["name"] for one in snapshot(kept, "list")] == ["one"]
