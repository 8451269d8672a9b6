"""What a person asks of running stores: `connect`, `seed` and `reset`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from sandbox import PORT, Sandbox

SYSTEM = f"""
    tarmac: 1
    system: small
    services:
      web: {{run: [{sys.executable}, server.py], port: {PORT}, env: {{DB: "${{stores.db.url}}"}}}}
      idle: {{run: [{sys.executable}, server.py], port: {PORT + 1}}}
    stores:
      db: {{kind: postgres, seed: first.sql}}
    """
FIRST = "CREATE TABLE IF NOT EXISTS t (x int PRIMARY KEY); INSERT INTO t VALUES (1);\n"

pytestmark = pytest.mark.servers


@pytest.fixture
def running(sandbox: Sandbox) -> Sandbox:
    (sandbox.folder / "first.sql").write_text(FIRST)
    sandbox.write(SYSTEM)
    sandbox.up("--fast-stores")
    return sandbox


def rows(box: Sandbox, *statements: str) -> list[int]:
    """Run statements as the administrator; read the table, empty if there is none."""
    url = box.tarmac("connect", "db", "--url").stdout.strip()

    async def ask() -> list[int]:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements:
                await connection.execute(statement)
            return [row["x"] for row in await connection.fetch("SELECT x FROM t ORDER BY x")]
        finally:
            await connection.close()

    return asyncio.run(ask())


def refusal(url: str) -> str:
    """Connect; return why the server refuses, "" if it does not."""

    async def ask() -> str:
        try:
            await (await asyncpg.connect(url)).close()
        except asyncpg.PostgresError as error:
            return error.message
        return ""

    return asyncio.run(ask())


def fake(folder: Path, name: str) -> None:
    """A client that says with what it was called."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text('#!/bin/sh\necho "$@"\necho "password $PGPASSWORD"\n')
    program.chmod(0o755)


def test_the_shell_of_a_store_is_opened_with_the_password_in_a_variable(running, monkeypatch):
    fake(running.folder / "bin", "psql")
    monkeypatch.setenv("PATH", f"{running.folder / 'bin'}:{os.environ['PATH']}")
    done = running.tarmac("connect", "db")
    assert done.returncode == 0
    called, password = done.stdout.splitlines()
    port = running.node("db")["ports"]["main"]
    assert called == f"--host=127.0.0.1 --port={port} --username=postgres --dbname=db"
    secrets = json.loads((running.folder / ".tarmac/default/secrets.json").read_text())
    assert password == f"password {secrets['stores/db/admin']}"
    done = running.tarmac("connect", "db", "--as", "web")
    assert "--username=web " in done.stdout
    assert secrets["stores/db/web"] in done.stdout.splitlines()[1]


def test_the_url_is_printed_where_it_is_asked_for_or_no_shell_is_there(running, monkeypatch):
    assert rows(running) == [1]
    url = running.tarmac("connect", "db", "--url", "--as", "web").stdout.strip()
    assert urlsplit(url).username == "web"
    assert json.loads(running.tarmac("connect", "db", "--as", "web", "--json").stdout)["url"] == url
    for other in ("postgres", "template1"):  # nothing of its own is there
        assert refusal(f"{url.rpartition('/')[0]}/{other}") == (
            f'permission denied for database "{other}"'
        )
    monkeypatch.setenv("PATH", str(running.folder))
    done = running.tarmac("connect", "db")
    assert done.returncode == 0
    assert done.stdout.startswith("postgresql://postgres:")
    assert "psql is not on PATH; the URL of PostgreSQL:" in done.stderr


def test_what_cannot_be_is_one_clear_error(running):
    for args, expected in {
        "connect dbb": "dbb: no store of the system; did you mean 'db'?",
        "connect db --as wbe": "--as wbe: no user of db; did you mean 'web'?",
        "connect": "name one store",
        "seed cache": "cache: no store with a seed; choose one of: db",
        "reset": "name the stores to empty",
        "reset web --yes": "web: no running store; choose one of: db",
        "reset db": "this deletes data; pass --yes to confirm",
    }.items():
        done = running.tarmac(*args.split())
        assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
        assert expected in done.stderr
    assert rows(running) == [1]


def test_a_seed_is_sown_once_and_an_edit_of_it_is_noticed(running):
    done = running.tarmac("seed")
    assert done.returncode == 0
    assert done.stdout.startswith(
        f"db: {running.folder}/first.sql: already applied, unchanged since"
    )
    (running.folder / "first.sql").write_text(FIRST + "INSERT INTO t VALUES (2);\n")
    done = running.tarmac("seed", "db", "--json")
    assert done.returncode == 1
    assert [seed["outcome"] for seed in json.loads(done.stdout)] == ["edited"]
    assert rows(running) == [1]
    (running.folder / "first.sql").write_text("INSERT INTO t VALUES (2);\n")
    assert running.tarmac("seed", "--again").returncode == 0
    assert rows(running) == [1, 2]
    assert running.tarmac("seed").returncode == 0


def test_a_seed_that_does_not_fit_changes_nothing(running):
    (running.folder / "first.sql").write_text("INSERT INTO t VALUES (3); INSERT INTO t VALUES (1);")
    done = running.tarmac("seed", "--again")
    assert done.returncode == 1
    assert "first.sql:1: the seed failed on db: duplicate key" in done.stderr
    assert rows(running) == [1]


def test_a_store_is_emptied_and_seeded_anew_and_only_its_users_start_again(running):
    before = {node["name"]: node["pid"] for node in running.ps()["nodes"]}
    assert rows(running, "INSERT INTO t VALUES (5)") == [1, 5]
    done = running.tarmac("reset", "db", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["healthy"]
    (deleted,) = said["deleted"]
    assert "/db (" in deleted
    assert rows(running) == [1]
    after = {node["name"]: node["pid"] for node in said["nodes"]}
    assert after["idle"] == before["idle"]
    assert after["web"] != before["web"]
    assert after["db"] != before["db"]


def test_a_store_of_a_stopped_system_is_emptied_for_the_next_start(running):
    assert rows(running, "INSERT INTO t VALUES (5)") == [1, 5]
    assert running.tarmac("down").returncode == 0
    done = running.tarmac("reset", "db", "-y")
    assert done.returncode == 0
    assert done.stdout.startswith("deleted ")
    running.up("--fast-stores")
    assert rows(running) == [1]


def test_what_does_not_run_is_said(sandbox):
    sandbox.write(SYSTEM)
    for verb in (["connect", "db"], ["seed"]):
        done = sandbox.tarmac(*verb)
        assert done.returncode == 1
        assert "the system is not running; start it with `tarmac up`" in done.stderr
