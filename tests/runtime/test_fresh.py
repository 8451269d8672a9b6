"""A system within a test, whatever runs it: asked, disturbed, and put back under its users."""

from __future__ import annotations

import asyncio
import smtplib
import sys
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import asyncpg
import nats
import pytest
import redis.asyncio as redis
from redis.exceptions import ResponseError
from sandbox import PORT, SERVER, web

from tarmac.base.errors import BadInput, TarmacError
from tarmac.testing import System, running

pytestmark = pytest.mark.servers

STORES = "DB: '${stores.db.url}', C: '${stores.cache.url}', M: '${stores.mail.url}'"
SYSTEM = f"""tarmac: 1
system: small
services:
  {web(more=f", env: {{{STORES}, B: '${{broker.url}}'}}")}
  idle: {{run: [{sys.executable}, -c, "import time; print('here', flush=True); time.sleep(999)"]}}
stores: {{db: postgres, cache: redis, mail: mail}}
broker: nats
"""

TABLES = """
CREATE SCHEMA other;
CREATE TABLE people (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE,
  shout text GENERATED ALWAYS AS (upper(name)) STORED);
CREATE TABLE other."Odd Name" (person int REFERENCES people, n serial);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
INSERT INTO people (name) VALUES ('ann'), ('bob');
INSERT INTO other."Odd Name" (person) VALUES (1);
CREATE TRIGGER never BEFORE DELETE ON people FOR EACH ROW EXECUTE FUNCTION refuse();
"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("fresh")
    (folder / ".git").mkdir()
    (folder / "server.py").write_text(SERVER)
    (folder / "tarmac.yaml").write_text(SYSTEM)
    with running(folder / "tarmac.yaml", fast_stores=True) as up:
        yield up
    assert not (folder / ".tarmac" / up.namespace).exists()


@pytest.fixture
async def database(system: System):
    """A connection as the service has it, to a database that holds something."""
    url = system.store_url("db", "web")
    connection = await asyncpg.connect(url)
    if await connection.fetchval("SELECT to_regclass('people') IS NULL"):
        await connection.execute(TABLES)
    system.keep()
    yield connection
    await connection.close()


async def content(connection: asyncpg.Connection) -> list[list[tuple]]:
    queries = ("SELECT id, name, shout FROM people ORDER BY 1", 'SELECT * FROM other."Odd Name"')
    return [[tuple(row) for row in await connection.fetch(query)] for query in queries]


async def test_rows_go_back_and_connections_and_their_prepared_statements_stay(system, database):
    before = await content(database)
    prepared = await database.prepare("SELECT count(*) FROM people")
    pid = database.get_server_pid()
    await database.execute("INSERT INTO people (name) VALUES ('eve')")
    await database.execute("UPDATE people SET name = 'anna' WHERE name = 'ann'")
    await database.execute('DELETE FROM other."Odd Name"')
    assert await prepared.fetchval() == 3
    system.fresh()
    assert await content(database) == before
    assert (await prepared.fetchval(), database.get_server_pid()) == (2, pid)


async def test_numbers_that_a_database_gives_begin_again(system, database):
    add = "INSERT INTO people (name) VALUES ('eve') RETURNING id"
    more = 'INSERT INTO other."Odd Name" (person) VALUES (2) RETURNING n'
    given = []
    for _ in range(2):
        given.append((await database.fetchval(add), await database.fetchval(more)))
        system.fresh()
    assert given == [(3, 2), (3, 2)]


async def test_what_did_not_change_is_not_touched(system, database):
    where = "SELECT xmin::text, ctid::text FROM people ORDER BY id"
    before = [tuple(row) for row in await database.fetch(where)]
    await database.execute('DELETE FROM other."Odd Name"')
    system.fresh()
    assert [tuple(row) for row in await database.fetch(where)] == before


async def test_a_transaction_that_somebody_left_open_is_cut(system, database):
    before = await content(database)
    other = await asyncpg.connect(system.store_url("db", "web"))
    transaction = other.transaction()
    await transaction.start()
    await other.execute("UPDATE people SET name = 'x' WHERE id = 1")
    await database.execute("UPDATE people SET name = 'y' WHERE id = 2")
    await asyncio.to_thread(system.fresh)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await other.fetchval("SELECT 1")
    other.terminate()
    fresh = await asyncpg.connect(system.store_url("db", "web"))
    try:
        assert await content(fresh) == before
    finally:
        await fresh.close()


async def test_tables_that_changed_are_named_until_their_state_is_kept_again(system, database):
    await database.execute("CREATE TABLE added (x int)")
    try:
        with pytest.raises(TarmacError, match=r"db: its tables have changed .*\(added\)"):
            system.fresh()
        system.keep()
        await database.execute("INSERT INTO added VALUES (1)")
        system.fresh()
        assert await database.fetchval("SELECT count(*) FROM added") == 0
    finally:
        await database.execute("DROP TABLE added")


async def test_keys_go_back_with_what_they_had_left_and_groups_of_readers(system):
    async with redis.from_url(system.store_url("cache")) as cache:
        await cache.set("kept", b"\x00\r\nvalue", px=600_000)
        await cache.xgroup_create("stream", "readers", mkstream=True)
        system.keep()
        await cache.set("kept", "other")
        await cache.set("new", "1")
        await cache.xgroup_destroy("stream", "readers")
        system.fresh()
        assert await cache.get("kept") == b"\x00\r\nvalue"
        assert 0 < await cache.pttl("kept") <= 600_000
        assert await cache.exists("new") == 0
        with pytest.raises(ResponseError, match="BUSYGROUP"):
            await cache.xgroup_create("stream", "readers")


async def test_messages_are_gone_and_their_streams_and_readers_are_there(system):
    bus = await nats.connect(system.store_url("broker"))
    try:
        stream = bus.jetstream()
        await stream.add_stream(name="events", subjects=["events.>"])
        reader = await stream.pull_subscribe("events.>", durable="reader")
        await stream.publish("events.a", b"old")
        system.fresh()
        assert (await stream.stream_info("events")).state.messages == 0
        await stream.publish("events.a", b"new")
        (message,) = await reader.fetch(1, timeout=5)
        assert message.data == b"new"
    finally:
        await bus.close()


def test_mail_is_gone(system):
    parts = urlsplit(system.store_url("mail"))
    message = EmailMessage()
    message["From"], message["To"] = "a@example.com", "b@example.com"
    message.set_content("hello")
    with smtplib.SMTP(parts.hostname, parts.port) as server:
        server.login(unquote(parts.username), unquote(parts.password))
        server.send_message(message)
    (sent,) = system.emails(to="B@example.com")
    assert sent["text"].strip() == "hello"
    assert system.emails(to="c@example.com") == []
    system.fresh()
    assert system.emails() == []


def test_a_client_takes_every_status_for_an_answer_and_keeps_its_headers(system):
    client = system.client("web")
    client.headers["X-Test"] = "1"
    assert client.get("/env/SERVICE_NAME").text == "web"
    refused = client.post("/", json={"a": 1})
    assert (refused.status, "Unsupported method" in refused.text) == (501, True)
    assert refused.headers["Content-Type"].startswith("text/html")


def test_a_service_can_be_asked_for_by_name(system):
    env = system.env("web")
    assert env["PORT"] == str(system.node("web").ports["http"])
    assert system.url("web", "http") == system.url("web")
    assert "here" in system.logs("idle")
    with pytest.raises(BadInput, match="did you mean 'web'"):
        system.url("wep")
    with pytest.raises(BadInput, match="has no port 'grpc'"):
        system.url("web", "grpc")
    with pytest.raises(BadInput, match="listens on no port"):
        system.url("idle")


def test_what_is_killed_or_restarted_comes_back(system):
    first = system.node("web").pid
    system.kill("web")
    system.wait()
    second = system.node("web").pid
    system.restart("web")
    third = system.node("web")
    assert len({first, second, third.pid}) == 3
    assert third.state == "healthy"


def test_it_shows_what_failed_and_nothing_of_the_others(system):
    mark = system.mark()
    assert dict(system.troubles(mark)) == {}
    system.client("web").get("/env/PATH")
    system.kill("web")
    system.wait()
    told = dict(system.troubles(mark))
    assert told.keys() == {"web"}
    assert "ended by SIGKILL" in told["web"]


def test_nothing_that_others_use_is_taken(system):
    assert urlsplit(system.url("web")).port != PORT
    assert 8025 not in system.node("mail").ports.values()
