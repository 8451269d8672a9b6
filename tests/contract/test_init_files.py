"""Files of SQL are loaded once into a new database, before any service connects."""

from __future__ import annotations

import sys

import pytest
from sandbox import Sandbox

from tarmac import registry, stores
from tarmac.local.host import offers
from tarmac.local.stores.mysql_files import as_sent, has_statement

KINDS = registry.load(stores, "STORE")
TABLES = "-- tables; of ours\nCREATE TABLE kept (n int);\n"
ROW = "INSERT INTO kept VALUES (6);\nUPDATE kept SET n = n + 1;\n"
CLIENT = """
import asyncio, os, sys, time
from urllib.parse import urlsplit

async def rows(url):
    if url.startswith("mysql"):
        import pymysql
        parts = urlsplit(url)
        cursor = pymysql.connect(
            host=parts.hostname, port=parts.port, user=parts.username, password=parts.password,
            database=parts.path[1:]).cursor()
        cursor.execute("SELECT n FROM kept")
        return [row[0] for row in cursor.fetchall()]
    import asyncpg
    connection = await asyncpg.connect(url)
    return [row["n"] for row in await connection.fetch("SELECT n FROM kept")]

print("ROWS", asyncio.run(rows(os.environ["URL"])), flush=True)
time.sleep(3600)
"""


def system(kind: str) -> str:
    return f"""
        tarmac: 1
        system: one
        services:
          cl:
            run: [{sys.executable}, client.py]
            env: {{URL: "${{stores.it.url}}"}}
            probe: {{log: ^ROWS}}
        stores: {{it: {{kind: {kind}, init: [tables.sql, row.sql]}}}}
        """


def rows(box: Sandbox) -> list[str]:
    log = (box.folder / ".tarmac/default/logs/cl.log").read_text()
    return [line.partition("ROWS ")[2] for line in log.splitlines() if "ROWS " in line]


@pytest.mark.servers
@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_they_are_there_when_the_first_service_connects_and_once(kind, sandbox):
    if offers.find(KINDS[kind]) is None:
        pytest.skip(f"this machine has no {KINDS[kind].title}")
    (sandbox.folder / "client.py").write_text(CLIENT)
    (sandbox.folder / "tables.sql").write_text(TABLES)
    (sandbox.folder / "row.sql").write_text("INSERT INTO lost VALUES (1);")
    sandbox.write(system(kind))
    refused = sandbox.tarmac("up", "-d")
    assert refused.returncode == 1
    assert "row.sql: the init failed on it: " in refused.stdout
    assert "lost" in refused.stdout, "the server says what it refuses"
    (sandbox.folder / "row.sql").write_text(ROW)
    if kind == "mysql":  # what was made of tables.sql is there, and it is not loaded again
        (sandbox.folder / "tables.sql").write_text(TABLES + "nonsense;")
    assert sandbox.up()["healthy"]
    assert rows(sandbox) == ["[7]"]
    assert sandbox.tarmac("restart", "it", "cl").returncode == 0
    sandbox.until("cl", lambda node: node["state"] == "healthy")
    assert set(rows(sandbox)) == {"[7]"}


def test_a_file_that_is_not_there_is_said_with_its_place(sandbox):
    (sandbox.folder / "tables.sql").write_text(TABLES)
    sandbox.write(system("postgres"))
    said = sandbox.tarmac("up", "-d")
    assert said.returncode == 2
    assert "the init of it is not there ('row.sql'); correct its path" in said.stderr


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        ("SELECT 1; SELECT 2;", ["SELECT 1; SELECT 2;"]),
        ("-- only words\n/* and more */ ;\n", []),
        ("/*!40101 SET NAMES utf8 */;", ["/*!40101 SET NAMES utf8 */;"]),
        ("A;\nDELIMITER //\nB; C//\nD//\n delimiter ;\nE;", ["A;\n", "\nB; C", "\nD", "\nE;"]),
        ("DELIMITER $$\nB; C\n$$\n", ["\nB; C\n"]),
    ],
)
def test_a_server_is_sent_statements_as_its_own_client_sends_them(content, sent):
    assert list(as_sent(content)) == sent
    assert all(has_statement(part) for part in sent)
