"""Every store of documents keeps the same promises: in memory, in PostgreSQL, in a MongoDB."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
from pymongo import AsyncMongoClient
from recording import recording

from tarmac_kit import DatabaseUnavailable, deadline
from tarmac_kit.database import Database, DatabaseFull
from tarmac_kit.documents import (
    BadCursorError,
    Documents,
    DuplicateDocumentError,
    StaleDocumentError,
    connect,
)
from tarmac_kit.documents.memory import MemoryDocuments
from tarmac_kit.documents.mongo import MongoDocuments
from tarmac_kit.documents.postgres import PostgresDocuments
from tarmac_kit.settings import Settings, SettingsError

pytestmark = pytest.mark.servers

GET = "put mongod or ferretdb (1.x) on PATH; .ci/ferretdb builds one with Go"


def ferretdb() -> str | None:
    """Find FerretDB on PATH, or where .ci/ferretdb puts it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kept = sorted(cache.glob("tarmac/programs/ferretdb-1.*/ferretdb"))
    return shutil.which("ferretdb") or next(map(str, reversed(kept)), None)


class MongoServer:
    """The machine's mongod, or its FerretDB over SQLite, without users."""

    def __init__(self, folder: Path, port: int, *, most_pages: int = 0) -> None:
        self.folder, self.port = folder, port
        #: What each of FerretDB's files may grow to, in pages of SQLite's; then its disk is full.
        self.most_pages = most_pages
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def is_ferretdb(self) -> bool:
        return shutil.which("mongod") is None

    def argv(self) -> list[str]:
        if program := shutil.which("mongod"):
            own = ["--dbpath", str(self.folder), "--port", str(self.port)]
            return [program, *own, "--bind_ip", "127.0.0.1"]
        program = ferretdb()
        assert program is not None
        own = [f"--listen-addr=127.0.0.1:{self.port}", "--debug-addr=-", "--telemetry=disable"]
        limit = f"?_pragma=max_page_count({self.most_pages})" if self.most_pages else ""
        place = [f"--sqlite-url=file:{self.folder}/{limit}", f"--state-dir={self.folder}"]
        return [program, "--handler=sqlite", *own, *place]

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.argv(), stdout=log, stderr=log)

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


@pytest.fixture(scope="module")
def mongodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    if not (shutil.which("mongod") or ferretdb()):
        pytest.skip(f"this machine has no MongoDB: {GET}")
    server = MongoServer(tmp_path_factory.mktemp("mongodb"), _free_port())
    server.start()
    yield server
    server.kill()


def _free_port() -> int:
    import socket  # noqa: PLC0415 - here only

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture(params=["memory", "postgres", "mongodb"])
def address(request: pytest.FixtureRequest) -> str:
    """Give the URL of a database of the test's own; none for memory."""
    if request.param == "postgres":
        return str(request.getfixturevalue("database_url"))
    return "" if request.param == "memory" else url_on(request.getfixturevalue("mongodb"))


@pytest.fixture
async def store(address: str) -> AsyncIterator[Documents]:
    """Give documents that are not open yet."""
    made = documents_at(address)
    yield made
    await made.close()


def documents_at(address: str) -> Documents:
    settings = Settings.model_construct(service_name="svc")
    return connect(address, name="it", settings=settings) if address else MemoryDocuments()


def url_on(server: MongoServer) -> str:
    return f"mongodb://127.0.0.1:{server.port}/t{uuid4().hex[:12]}"


async def test_what_was_inserted_is_read_as_it_was_with_its_types(store) -> None:
    notes = store.collection("notes")
    await store.open()
    body = {
        "text": "naïve ☃",
        "count": 2**40,
        "ratio": 0.5,
        "done": True,
        "nothing": None,
        "owner": UUID("5eed0000-0000-4000-8000-000000000001"),
        "due": datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=timezone(timedelta(hours=2))),
        "tags": ["a", 1, {"deep": [uuid4()]}],
        "empty": {},
    }
    inserted = await notes.insert("one", body)
    assert (inserted.id, inserted.version) == ("one", 1)
    assert inserted.created_at == inserted.updated_at
    found = await notes.get("one")
    assert found == inserted
    due = datetime(2026, 3, 1, 10, 30, 15, 123000, tzinfo=UTC)
    assert found.body == {**body, "due": due}
    assert type(found.body["count"]) is int
    assert type(found.body["done"]) is bool
    assert await notes.get("other") is None


async def test_a_replacement_is_the_next_version_and_keeps_when_it_was_made(store) -> None:
    notes = store.collection("notes")
    await store.open()
    first = await notes.insert("one", {"text": "a", "more": 1})
    second = await notes.replace(first, {"text": "b"})
    assert (second.version, second.created_at) == (2, first.created_at)
    assert second.updated_at >= first.updated_at
    assert await notes.get("one") == second
    assert (await notes.get("one")).body == {"text": "b"}


async def test_who_read_an_older_version_changes_nothing_and_hears_the_version_of_now(
    store,
) -> None:
    notes = store.collection("notes")
    await store.open()
    first = await notes.insert("one", {"text": "a"})
    await notes.replace(first, {"text": "b"})
    with pytest.raises(StaleDocumentError) as caught:
        await notes.replace(first, {"text": "c"})
    assert caught.value.version == 2
    assert (await notes.get("one")).body == {"text": "b"}


async def test_of_many_who_change_the_same_version_one_succeeds(store, request) -> None:
    if isinstance(store, MongoDocuments) and request.getfixturevalue("mongodb").is_ferretdb:
        pytest.skip("FerretDB 1 reads, then writes: of two at once both may succeed")
    notes = store.collection("notes")
    await store.open()
    first = await notes.insert("one", {"text": ""})
    done = await asyncio.gather(
        *(notes.replace(first, {"text": str(n)}) for n in range(8)), return_exceptions=True
    )
    refused = [result for result in done if isinstance(result, StaleDocumentError)]
    assert len(refused) == 7
    assert (await notes.get("one")).version == 2


async def test_what_is_gone_is_not_replaced_and_not_deleted_twice(store) -> None:
    notes = store.collection("notes")
    await store.open()
    first = await notes.insert("one", {"text": "a"})
    assert await notes.delete("one") is True
    assert await notes.delete("one") is False
    assert await notes.replace(first, {"text": "b"}) is None
    assert await notes.get("one") is None


async def test_an_id_and_a_unique_field_are_given_once_also_to_many_at_once(store) -> None:
    users = store.collection("users", unique=("email",))
    await store.open()
    made = await asyncio.gather(
        *(users.insert(str(n), {"email": "a@x.test"}) for n in range(8)), return_exceptions=True
    )
    refused = [result for result in made if isinstance(result, DuplicateDocumentError)]
    assert len(refused) == 7
    assert {error.field_name for error in refused} == {"email"}
    await users.insert("b", {"email": "b@x.test"})
    with pytest.raises(DuplicateDocumentError) as caught:
        await users.insert("b", {"email": "c@x.test"})
    assert caught.value.field_name == "id"
    with pytest.raises(DuplicateDocumentError) as caught:
        await users.replace(await users.get("b"), {"email": "a@x.test"})
    assert caught.value.field_name == "email"
    same = await users.replace(await users.get("b"), {"email": "b@x.test", "name": "B"})
    assert same.version == 2


@pytest.mark.parametrize(
    ("value", "other"),
    [
        ("Ghent", "ghent"),
        (1, True),
        (0, False),
        (UUID(int=1), str(UUID(int=1))),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00.000+00:00"),
        ("x' OR '1'='1", "x"),
    ],
)
async def test_documents_are_found_by_equal_values_of_the_same_type(store, value, other) -> None:
    notes = store.collection("notes", found_by=("it", "kind"))
    await store.open()
    await notes.insert("yes", {"it": value, "kind": "k"})
    await notes.insert("no", {"it": other, "kind": "k"})
    await notes.insert("without", {"kind": "k"})
    page = await notes.find({"it": value, "kind": "k"})
    assert [item.id for item in page.items] == ["yes"]
    assert page.next_cursor is None
    assert (await notes.find({"it": value, "kind": "other"})).items == ()


async def test_pages_follow_one_another_the_latest_first_without_gap_or_repetition(store) -> None:
    notes = store.collection("notes", found_by=("half",))
    await store.open()
    made = [await notes.insert(f"{n:02}", {"half": n % 2}) for n in range(11)]
    latest_first = sorted(
        made, key=lambda document: (document.created_at, document.id), reverse=True
    )
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = await notes.find({"half": 0}, limit=2, cursor=cursor)
        seen += page.items
        cursor = page.next_cursor
        pages += 1
        await notes.insert(f"later-{pages}", {"half": 0})
    assert seen == [document for document in latest_first if document.body["half"] == 0]
    assert pages == 3


@pytest.mark.parametrize("cursor", ["", "x", "é", "MjAyNi0wMS0wMSBh", "AAAA", "a" * 1001])
async def test_a_cursor_of_somebody_else_is_refused(store, cursor) -> None:
    notes = store.collection("notes")
    await store.open()
    with pytest.raises(BadCursorError, match="start without a cursor"):
        await notes.find(cursor=cursor)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"version": 1}, "notes.version: the store has this field itself"),
        ({"_id": 1}, "notes._id"),
        ({"$set": 1}, "begins without"),
        ({"a.b": 1}, "text without"),
        ({"": 1}, "text without"),
        ({1: 1}, "text without"),
        ({"a": {"$gt": 1}}, r"notes.a.\$gt"),
        ({"a": [{"x": "\0"}]}, r"notes.a\[\].x: a document cannot hold this str"),
        ({"a": "\ud800"}, "cannot hold this str"),
        ({"a": float("nan")}, "cannot hold this float"),
        ({"a": 2**63}, "cannot hold this int"),
        ({"a": datetime(2026, 1, 1)}, "cannot hold this datetime"),  # noqa: DTZ001 - on purpose
        ({"a": b"x"}, "cannot hold this bytes"),
        ({"email": ["a"]}, "documents are found by text"),
        ({"email": "a" * 501}, "at most 500 characters"),
        ({"email": None}, "a unique field needs a value"),
    ],
)
async def test_what_one_store_could_not_keep_none_takes(store, body, said) -> None:
    notes = store.collection("notes", unique=("email",))
    await store.open()
    with pytest.raises(ValueError, match=said):
        await notes.insert("one", {"email": "a", **body})
    assert await notes.get("one") is None


async def test_only_declared_fields_are_asked_for_and_never_by_an_operator(store) -> None:
    notes = store.collection("notes", found_by=("it",))
    await store.open()
    with pytest.raises(ValueError, match="declare it in found_by"):
        await notes.find({"other": 1})
    with pytest.raises(ValueError, match="documents are found by text"):
        await notes.find({"it": {"$ne": 1}})


async def test_two_replicas_open_at_once_and_what_is_there_stays(store, address) -> None:
    if not address:
        pytest.skip("one process is one replica")
    other = documents_at(address)
    notes, same = (
        documents.collection("notes", unique=("email",), found_by=("it",))
        for documents in (store, other)
    )
    await asyncio.gather(store.open(), other.open())
    await notes.insert("one", {"email": "a"})
    with pytest.raises(DuplicateDocumentError):
        await same.insert("two", {"email": "a"})
    await other.ping()
    await other.close()


async def test_before_it_is_open_and_after_it_is_closed_nothing_is_there(store) -> None:
    if isinstance(store, MemoryDocuments):
        pytest.skip("memory is always there")
    notes = store.collection("notes")
    with pytest.raises(DatabaseUnavailable, match="not open"):
        await notes.get("one")
    await store.open()
    await store.close()
    with pytest.raises(DatabaseUnavailable, match="not open"):
        await store.ping()


async def test_documents_in_postgresql_are_rows_whose_body_is_jsonb(database_url) -> None:
    store = PostgresDocuments(Database(database_url))
    users = store.collection("users", unique=("email",))
    await store.open()
    await users.insert("one", {"email": "a@x.test", "owner": UUID(int=7)})
    await store.close()
    connection = await asyncpg.connect(database_url)
    row = await connection.fetchrow("SELECT version, body->>'email' AS email, body FROM users")
    plan = await connection.fetch("SELECT indexdef FROM pg_indexes WHERE tablename = 'users'")
    await connection.close()
    assert (row["version"], row["email"]) == (1, "a@x.test")
    assert '{"$uuid": "00000000-0000-0000-0000-000000000007"}' in row["body"]
    assert any("UNIQUE" in index["indexdef"] and "email" in index["indexdef"] for index in plan)


async def test_documents_in_a_mongodb_are_flat_and_have_its_own_types(mongodb) -> None:
    url = url_on(mongodb)
    store = MongoDocuments(url)
    users = store.collection("users", unique=("email",))
    await store.open()
    await users.insert("one", {"email": "a@x.test", "owner": UUID(int=7)})
    await store.close()
    async with AsyncMongoClient(url, uuidRepresentation="standard") as client:
        raw = await client.get_default_database()["users"].find_one({"_id": "one"})
        made = await client.get_default_database()["users"].index_information()
    assert (raw["version"], raw["email"], raw["owner"]) == (1, "a@x.test", UUID(int=7))
    assert isinstance(raw["created_at"], datetime)
    assert made["users.email"]["unique"] is True


async def test_a_mongodb_that_is_killed_is_a_503_and_comes_back(mongodb) -> None:
    store = MongoDocuments(url_on(mongodb))
    notes = store.collection("notes")
    await store.open()
    await notes.insert("one", {"text": "kept"})
    mongodb.kill()
    with deadline.within(0.4), pytest.raises(DatabaseUnavailable) as caught:
        await notes.insert("two", {"text": "lost"})
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (503, "1")
    assert "127.0.0.1" not in (caught.value.detail or "")
    mongodb.start()
    async with asyncio.timeout(60):
        while True:
            try:
                assert (await notes.get("one")).body == {"text": "kept"}
                break
            except DatabaseUnavailable:
                await asyncio.sleep(0.02)
    await store.close()


async def test_a_mongodb_that_is_not_there_yet_is_waited_for() -> None:
    store = MongoDocuments(f"mongodb://127.0.0.1:{_free_port()}/it")
    store.collection("notes")
    opening = asyncio.create_task(store.open())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(opening), 0.2)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await store.close()


async def test_connections_that_grew_old_are_made_anew_and_old_ones_end(mongodb) -> None:
    now = time.monotonic()
    store = MongoDocuments(url_on(mongodb), max_age_s=60, clock=lambda: now)
    notes = store.collection("notes")
    await store.open()

    async def connections() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = await connections()
    for round_ in range(4):
        await asyncio.gather(*(notes.insert(f"{round_}-{n}", {"n": n}) for n in range(3)))
        now += 61
        await notes.get("0-0")
    assert await connections() <= before + 6
    await store.close()


async def test_a_full_disk_is_503_with_the_time_to_come_back(tmp_path: Path) -> None:
    if shutil.which("mongod") or not ferretdb():
        pytest.skip("only FerretDB's disk can be made small here; .ci/ferretdb builds it with Go")
    server = MongoServer(tmp_path, _free_port(), most_pages=100)
    server.start()
    store = documents_at(url_on(server))
    notes = store.collection("notes")

    async def fill() -> None:
        for number in range(400):
            await notes.insert(str(number), {"text": "x" * 2000})

    try:
        await store.open()
        with pytest.raises(DatabaseFull, match="no room for more") as caught:
            await fill()
        assert caught.value.response(instance="/notes").headers["retry-after"] == "10"
        assert (await notes.get("0")) is not None
    finally:
        await store.close()
        server.kill()


def test_a_url_of_another_store_and_an_absent_client_are_said(monkeypatch) -> None:
    settings = Settings.model_construct(service_name="profiles")
    with pytest.raises(SettingsError) as caught:
        connect("redis://h/0", name="MONGODB_URL", settings=settings)
    assert "its scheme is 'redis', not mongodb or postgresql" in caught.value.lines[0]
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(SettingsError, match=r"install tarmac-kit\[mongodb\]"):
        connect("mongodb://h/x", name="MONGODB_URL", settings=settings)


@pytest.mark.parametrize("address", ["postgres", "mongodb"], indirect=True)
async def test_what_a_request_asks_of_documents_is_a_span(address: str) -> None:
    settings = Settings.model_construct(service_name="svc")
    store = connect(address, name="it", settings=settings, traced=True)
    notes = store.collection("notes")
    try:
        await store.open()
        with recording() as recorder:
            await notes.insert("one", {"text": "a private text"})
            assert await notes.get("one") is not None
    finally:
        await store.close()
    names = [span.attributes["db.operation.name"].lower() for span in recorder.spans]
    assert names[0] == "insert"
    assert names[-1] in ("find", "select")
    assert {span.attributes["db.system.name"] for span in recorder.spans} <= {
        "mongodb",
        "postgresql",
    }
    assert "private" not in repr(recorder.said)
    assert all(0 < span.began_ns <= span.ended_ns for span in recorder.spans)
