"""Files of SQL are loaded once into a new database, before any service connects."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import textwrap

import asyncpg
import pytest
from sandbox import Sandbox

from tarmac.base import registry
from tarmac.base.launch import Secret, reveal
from tarmac.catalog import stores
from tarmac.catalog.stores.kind import ProviderCandidate, StoreContext, User
from tarmac.plan.cluster import mounted_files
from tarmac.run.local.host import offers
from tarmac.run.local.stores.mysql import as_sent, has_statement

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
    place = "row.sql:1" if kind == "postgres" else "row.sql"
    assert f"{place}: the init failed on it: " in refused.stdout
    assert "lost" in refused.stdout, "the server says what it refuses"
    (sandbox.folder / "row.sql").write_text(ROW)
    if kind == "mysql":  # what was made of tables.sql is there, and it is not loaded again
        (sandbox.folder / "tables.sql").write_text(TABLES + "nonsense;")
    assert sandbox.up()["healthy"]
    assert rows(sandbox) == ["[7]"]
    assert sandbox.tarmac("restart", "it", "cl").returncode == 0
    sandbox.until("cl", lambda node: node["state"] == "healthy")
    assert set(rows(sandbox)) == {"[7]"}


DUMP = r"""\restrict x
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.kept (n integer, note text);
COPY public.kept (n, note) FROM stdin;
7	a;b
8	\N
\.
"""


@pytest.mark.servers
def test_what_pg_dump_writes_is_loaded(sandbox):
    (sandbox.folder / "client.py").write_text(CLIENT)
    (sandbox.folder / "tables.sql").write_text(DUMP)
    (sandbox.folder / "row.sql").write_text("UPDATE kept SET n = n + 1;")
    sandbox.write(system("postgres"))
    assert sandbox.up()["healthy"]
    assert rows(sandbox) == ["[8, 9]"]


def test_a_file_that_is_not_there_is_reported_with_its_place(sandbox):
    (sandbox.folder / "tables.sql").write_text(TABLES)
    sandbox.write(system("postgres"))
    said = sandbox.tarmac("up", "-d")
    assert said.returncode == 2
    assert "the init of it is not there ('row.sql'); correct its path" in said.stderr


def elsewhere(port: int) -> StoreContext:
    """The store as an environment has it, where its set-up loads the files."""
    return StoreContext(
        name="it",
        host="127.0.0.1",
        ports={"main": port},
        database="it",
        admin=Secret("stores/it/admin"),
        users=(User("cl", Secret("stores/it/cl")),),
        init={"01-tables.sql": TABLES, "02-row.sql": ROW},
    )


@pytest.mark.servers
async def test_a_set_up_elsewhere_loads_them_once_as_the_service(sandbox, tmp_path):
    if shutil.which("psql") is None:
        pytest.skip("psql is not on PATH: install postgresql-client")
    idle = f"[{sys.executable}, -c, 'import time; time.sleep(3600)']"
    client = f"{{run: {idle}, env: {{URL: '${{stores.it.url}}'}}}}"
    sandbox.write(f"tarmac: 1\nsystem: one\nservices: {{cl: {client}}}\nstores: {{it: postgres}}\n")
    sandbox.up()
    port = sandbox.node("it")["ports"]["main"]
    secrets = json.loads((sandbox.folder / ".tarmac/default/secrets.json").read_text())
    script = KINDS["postgres"].script(elsewhere(port))
    for file in script.files:
        (tmp_path / file.path).write_text(reveal(file.content, secrets))
    argv = [part.replace("/setup/", f"{tmp_path}/") for part in script.argv]
    env = {name: reveal(value, secrets) for name, value in script.env.items()}
    for _ in range(2):
        done = await asyncio.create_subprocess_exec(*argv, env={**os.environ, **env})
        assert await done.wait() == 0
    url = f"postgresql://cl:{secrets['stores/it/cl']}@127.0.0.1:{port}/it"
    connection = await asyncpg.connect(url)
    try:
        assert [row["n"] for row in await connection.fetch("SELECT n FROM kept")] == [7]
        await connection.execute("ALTER TABLE kept ADD COLUMN mine int")
    finally:
        await connection.close()


def test_an_image_of_mysql_is_given_them_for_its_own_database():
    (provider,) = [p for p in KINDS["mysql"].providers if p.container is not None]
    offer = ProviderCandidate(provider.id, {}, "8.4", "mysql", image="mysql:8.4")
    container = provider.container(elsewhere(3306), offer, False)
    mounted = mounted_files(container.launch.files, container.mounts)
    (first,) = [file for file in mounted if file.path.endswith("/01-tables.sql")]
    assert first.path == "/docker-entrypoint-initdb.d/01-tables.sql"
    assert reveal(first.content, {}) == (
        f"CREATE DATABASE IF NOT EXISTS `it`;\nUSE `it`;\n{TABLES}"
    )


def test_what_is_rendered_has_the_files_content(sandbox):
    (sandbox.folder / "tables.sql").write_text("CREATE TABLE kept (price text DEFAULT '$5');\n")
    (sandbox.folder / "row.sql").write_text(ROW)
    sandbox.write(textwrap.dedent(system("postgres")) + "environments: {compose: {}}\n")
    done = sandbox.tarmac("render", "--env", "compose")
    assert done.returncode == 0, done.stderr
    rendered = (sandbox.folder / "deploy/compose/compose/compose.yaml").read_text()
    assert "DEFAULT '$$5'" in rendered, "Compose would look for a variable"


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
