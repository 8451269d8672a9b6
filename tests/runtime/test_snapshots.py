"""Snapshots: what the stores held at one point comes back, and only the stores are restarted."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from sandbox import Sandbox

from tarmac.run.local.snapshots import exchange
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


pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def kept(sandbox: Sandbox) -> Sandbox:
    sandbox.write(SYSTEM)
    sandbox.up()
    say(sandbox, "CREATE TABLE goods (amount int)", "INSERT INTO goods VALUES (1)")
    return sandbox


def keys(box: Sandbox, *command: bytes) -> object:
    """Say a command to the cache."""

    async def run() -> object:
        found = urlsplit(client.store_url(box.home, "cache"))
        reader, writer = await asyncio.open_connection(found.hostname, found.port)
        for words in ((b"AUTH", b"tarmac", (found.password or "").encode()), command):
            writer.write(b"*%d\r\n" % len(words))
            writer.writelines(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
            answer = await reader.readline()
            if answer.startswith(b"$") and answer != b"$-1\r\n":
                answer = await reader.readline()
        writer.close()
        return answer.strip()

    return asyncio.run(run())


def snapshot(box: Sandbox, *words: str) -> Any:
    done = box.tarmac("snapshot", *words, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def refused(box: Sandbox, *words: str) -> str:
    """Run a verb that is refused; return the one line that says why."""
    done = box.tarmac("snapshot", *words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_snapshot_brings_all_stores_back_to_its_point_and_services_run_on(
    kept: Sandbox,
):
    keys(kept, b"SET", b"of", b"one")
    saved = snapshot(kept, "save", "one")
    assert set(saved["stores"]) == {"db", "cache"}
    say(kept, "INSERT INTO goods VALUES (2)")
    keys(kept, b"SET", b"of", b"two")
    before = kept.node("idle")["pid"]
    loaded = snapshot(kept, "load", "one")
    assert (amounts(kept), keys(kept, b"GET", b"of")) == ([1], b"one")
    assert loaded["healthy"]
    assert [result["holds"] for result in loaded["invariants"]] == [True]
    assert kept.node("idle")["pid"] == before

    for words, why in (
        (("save", "one"), "one: a snapshot of that name exists; choose another name, or pass"),
        (("save", "a/b"), "a/b: not a name for a snapshot; use letters"),
        (("load", "won"), "won: no snapshot of that name; did you mean 'one'?"),
        (("load", "one", "two", "three"), "write: tarmac snapshot load [SYSTEM] NAME"),
        (("import", "nothing"), "nothing: no such file"),
    ):
        assert why in refused(kept, *words)
    with exchange.locked(kept.home):
        assert "a snapshot is being saved or loaded here; try" in refused(kept, "load", "one")
