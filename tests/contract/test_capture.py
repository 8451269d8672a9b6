"""Changes of tables become the same records by both paths: the kit's capture, and Debezium.

Each is a process of its own on a database of its own; capture with NATS and with Kafka, Debezium
with Kafka. What differs by nature (positions, times, Debezium's own fields) is left out.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import kafka_emptied
import pytest
from capturing import TOPICS, Debezium, Embedded, Record, Way, kafka_login

from tarmac_kit import Chassis, Database, Part, create_app
from tarmac_kit_testing import FakeBus, running

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
_PATH = ROOT / "kit" / "tests" / "servers" / "conftest.py"
_SPEC = importlib.util.spec_from_file_location("capture_test_servers", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
_servers = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = _servers
_SPEC.loader.exec_module(_servers)

postgres = _servers.postgres
database_url = _servers.database_url
nats = _servers.nats
kafka_process = _servers.kafka_process

MAKE = """
create type mood as enum ('calm', 'wild');
create domain code as varchar(8);
create table places (id int primary key, name text not null, seats int not null default 3,
                     note text);
create table kinds (
    id bigint primary key, small smallint, whole int, big bigint, yes boolean, no boolean,
    price numeric(10, 2), exact numeric, none_such numeric, single real, double double precision,
    not_a_number double precision, words text, some_words varchar(20), fixed char(5), tag code,
    how mood,
    day date, before_1970 date, at time, at_ms time(3), at_zone timetz, stamp timestamp,
    stamp_ms timestamp(3), moment timestamptz, moment_ms timestamptz(3), moment_s timestamptz(0),
    raw bytea, data jsonb, text_data json, who uuid, address inet, span int4range,
    numbers int[], texts text[], days date[], moments timestamptz[], prices numeric[], ids uuid[]
);
alter table kinds replica identity full;
insert into places (id, name) values (1, 'before');
"""
KINDS = """
insert into kinds values (
    1, -5, 7, 9007199254740993, true, false, 12.30, 123456789012345678901234.50, 'NaN', 0.1,
    1.5e-7, 'NaN', 'ünï "q" \\', 'some', 'ab', 'X1', 'wild', '2026-01-02', '1969-12-31',
    '03:04:05.5', '24:00:00', '03:04:05.25+02', '2026-01-02 03:04:05.123456',
    '2026-01-02 03:04:05.123', '2026-01-02 03:04:05.1+01', '2026-01-02 03:04:05.12+00',
    '2026-01-02 03:04:05+00', '\\xdeadbeef', '{"b": [1, null], "a": 2}', '{"z":  1}',
    '22222222-1111-1111-1111-111111111111', '10.0.0.1/8', '[1,5)', '{1,NULL,3}',
    '{"a b",NULL,"NULL","q\\"x","c,d"}', '{2020-01-01}', '{"2020-01-01 00:00:00+00"}', '{1.10}',
    '{22222222-1111-1111-1111-111111111111}')
"""
#: Each is one transaction.
CHANGES = (
    (KINDS,),
    ("insert into places values (2, 'Ghent', 4, 'n')", "insert into places values (3, 'Oslo', 1)"),
    ("update places set seats = 5 where id = 2", "update places set note = null where id = 2"),
    ("update places set id = 4 where id = 3",),
    ("delete from places where id = 2", "insert into places values (2, 'again', 1, 'x')"),
    ("update kinds set whole = null",),
    ("truncate kinds", "insert into places values (5, 'last')"),
)


INSERT = """
insert into outbox (id, aggregatetype, aggregateid, type, payload, headers)
values ($1, 'order', $2, $3, $4, $5)
"""


def place(id_: int, name: str, seats: int = 3, note: str | None = None) -> dict[str, Any]:
    return {"id": id_, "name": name, "seats": seats, "note": note}


def key_only(id_: int) -> dict[str, Any]:
    return {"id": id_}


#: What CHANGES give of `places`, by key.
PLACES: dict[int, list[tuple[str, Any, Any]]] = {
    1: [("r", None, place(1, "before"))],
    2: [
        ("c", None, place(2, "Ghent", 4, "n")),
        ("u", None, place(2, "Ghent", 5, "n")),
        ("u", None, place(2, "Ghent", 5)),
        ("d", key_only(2), None),
        ("c", None, place(2, "again", 1, "x")),
    ],
    3: [("c", None, place(3, "Oslo", 1)), ("d", key_only(3), None)],
    4: [("c", None, place(4, "Oslo", 1))],
    5: [("c", None, place(5, "last"))],
}
KIND: dict[str, Any] = {
    "id": 1,
    "small": -5,
    "whole": 7,
    "big": 9007199254740993,
    "yes": True,
    "no": False,
    "price": "12.30",
    "exact": "123456789012345678901234.50",
    "none_such": "NAN",
    "single": 0.1,
    "double": 1.5e-7,
    "not_a_number": "NaN",
    "words": 'ünï "q" \\',
    "some_words": "some",
    "fixed": "ab   ",
    "tag": "X1",
    "how": "wild",
    "day": 20455,
    "before_1970": -1,
    "at": 11_045_500_000,
    "at_ms": 86_400_000,
    "at_zone": "01:04:05.25Z",
    "stamp": 1_767_323_045_123_456,
    "stamp_ms": 1_767_323_045_123,
    "moment": "2026-01-02T02:04:05.100000Z",
    "moment_ms": "2026-01-02T03:04:05.120Z",
    "moment_s": "2026-01-02T03:04:05Z",
    "raw": "3q2+7w==",
    "data": '{"a": 2, "b": [1, null]}',
    "text_data": '{"z":  1}',
    "who": "22222222-1111-1111-1111-111111111111",
    "address": "10.0.0.1/8",
    "span": "[1,5)",
    "numbers": [1, None, 3],
    "texts": ["a b", None, "NULL", 'q"x', "c,d"],
    "days": [18262],
    "moments": ["2020-01-01T00:00:00.000000Z"],
    "prices": ["1.10"],
    "ids": ["22222222-1111-1111-1111-111111111111"],
}


@pytest.fixture(params=["capture on NATS", "capture on Kafka", "Debezium on Kafka"])
async def path(
    request: pytest.FixtureRequest, database_url: str, tmp_path: Path
) -> AsyncIterator[Way]:
    """Give each path in turn; nothing of it is left at the end."""
    made: Way
    if request.param == "capture on NATS":
        port = request.getfixturevalue("nats").port
        made = Embedded(database_url, f"nats://admin:admin@127.0.0.1:{port}", tmp_path / "log")
    elif request.param == "capture on Kafka":
        port = request.getfixturevalue("kafka_process").port
        await kafka_emptied.empty(kafka_login(port))
        url = f"kafka://admin:admin@127.0.0.1:{port}"
        made = Embedded(database_url, url, tmp_path / "log", port)
    else:
        found = subprocess.run(  # noqa: ASYNC221 - a moment
            [
                sys.executable,
                "-c",
                "import os, start; start.find_home(os.environ); start.find_java()",
            ],
            cwd=ROOT / "services/debezium",
            capture_output=True,
            text=True,
            check=False,
        )
        if found.returncode:
            pytest.skip(found.stderr.strip().splitlines()[-1])
        port = request.getfixturevalue("kafka_process").port
        await kafka_emptied.empty(kafka_login(port))
        made = Debezium(database_url, port, tmp_path / "data", tmp_path / "log")
    yield made
    if made.process is not None:
        made.process.kill()
        made.process.wait(20)
    admin = await asyncpg.connect(database_url)
    active = "select count(*) from pg_replication_slots where database = current_database()"
    async with asyncio.timeout(20):
        while await admin.fetchval(f"{active} and active"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await admin.execute(
        "select pg_drop_replication_slot(slot_name) from pg_replication_slots"
        " where database = current_database()"
    )
    await admin.close()


@pytest.fixture
async def say(database_url: str) -> AsyncIterator[Callable[..., Awaitable[list[str]]]]:
    """Give a way to write events, one transaction each call; the owner of the tables runs."""
    conn = await asyncpg.connect(database_url)
    await conn.execute(MAKE)
    parts: list[Database] = []

    def mount(chassis: Chassis) -> None:
        parts.append(chassis.database())
        chassis.outbox(parts[0])

    environ = {
        "SERVICE_NAME": "orders",
        "DATABASE_URL": database_url,
        "PUBLISHES": ",".join(TOPICS),
        "OUTBOX_RELAY": "capture",
        "CAPTURED_TABLES": "places,kinds",
    }

    async def say(*events: tuple[str, str, dict[str, Any]]) -> list[str]:
        ids = [str(uuid4()) for _ in events]
        async with parts[0].transaction() as own:
            for id_, (topic, key, payload) in zip(ids, events, strict=True):
                await own.execute(INSERT, id_, key, topic, payload, {"traceparent": f"of {key}"})
        return ids

    async with running(create_app([Part("orders", mount)], environ, bus=FakeBus())):
        yield say
    await conn.close()


async def wait_for(path: Way, count: int) -> list[Record]:
    async with asyncio.timeout(60):
        while len(found := await path.records()) < count:
            assert path.process is not None
            assert path.process.poll() is None, path.log.read_text()[-2000:]  # type: ignore[attr-defined]
            await asyncio.sleep(0.1)
    return found


async def test_both_give_the_same_records_and_what_is_confirmed_counts_as_published(
    path, say, database_url
):
    conn = await asyncpg.connect(database_url)
    first = await say(("order.placed", "o1", {"n": 0, "list": [1, "a", None], "none": None}))
    path.start()
    await wait_for(path, 2)  # the event and the row that were there before
    ids = await say(
        ("order.placed", "o2", {"n": 1}),
        ("order.confirmed", "o1", {"n": 2, "deep": {"ü": 1.5}}),
        ("order.confirmed", "o2", {"n": 3}),
    )
    for statements in CHANGES:
        async with conn.transaction():
            for statement in statements:
                await conn.execute(statement)
    expected = 4 + sum(map(len, PLACES.values())) + 2
    found = await wait_for(path, expected)
    assert len(found) == expected
    if isinstance(path, Debezium):
        async with asyncio.timeout(60):
            while await path.why_not_ready():
                pass  # a worker that is busy answers late
        path.port += 1
        assert "does not answer" in await path.why_not_ready()

    events = [event for event in found if event.topic in TOPICS]
    by_id = {event.id: (event.topic, event.key, event.payload, event.trace) for event in events}
    assert by_id == {
        first[0]: (
            "order.placed",
            "o1",
            {"n": 0, "list": [1, "a", None], "none": None},
            {"traceparent": "of o1"},
        ),
        ids[0]: ("order.placed", "o2", {"n": 1}, {"traceparent": "of o2"}),
        ids[1]: ("order.confirmed", "o1", {"n": 2, "deep": {"ü": 1.5}}, {"traceparent": "of o1"}),
        ids[2]: ("order.confirmed", "o2", {"n": 3}, {"traceparent": "of o2"}),
    }
    places: dict[int, list[tuple[str, Any, Any]]] = {}
    for event in found:
        if event.topic == "trip.public.places":
            (id_,) = json.loads(event.key).values()
            before = event.payload["before"]
            if event.payload["op"] == "d":
                # Of a row that is gone the log has the key. The others are null for capture,
                # and for Debezium, where null is not allowed, the columns' defaults.
                before = {"id": before["id"]}
            places.setdefault(id_, []).append((event.payload["op"], before, event.payload["after"]))
    assert places == PLACES
    kinds = [event for event in found if event.topic == "trip.public.kinds"]
    changed = {**KIND, "whole": None}
    assert [kind.payload["after"] for kind in kinds] == [KIND, changed]
    assert [kind.payload["before"] for kind in kinds] == [None, KIND]
    assert kinds[0].key == '{"id":1}'
    source = {"connector": "postgresql", "name": "trip", "schema": "public", "table": "kinds"}
    assert kinds[0].payload["source"] == {**source, "snapshot": False}
    assert [event.payload["source"]["snapshot"] for event in found if event.key == '{"id":1}'] in (
        [True, False, False],
        [False, False, True],
    )
    async with asyncio.timeout(30):
        waiting = "select count(*) from outbox where published_at is null"
        while await conn.fetchval(waiting):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await conn.close()


async def test_after_kill_9_in_the_middle_every_transaction_is_there_whole_and_in_order(
    path, say, database_url
):
    conn = await asyncpg.connect(database_url)
    path.start()
    await wait_for(path, 1)
    async with asyncio.timeout(60):
        while not path.knows_its_place():  # noqa: ASYNC110 - a file of Java's
            await asyncio.sleep(0.1)
    written: list[list[str]] = []

    async def write(count: int) -> None:
        for _ in range(count):
            number = len(written)
            written.append(await say(*(("order.placed", f"o{n}", {"n": number}) for n in range(5))))
            await conn.execute("update places set seats = $1 where id = 1", number)

    writing = asyncio.create_task(write(60))
    await wait_for(path, 20)
    path.process.kill()
    path.process.wait(10)
    await writing
    path.start()
    await write(5)
    wanted = {id_ for ids in written for id_ in ids}
    until = time.monotonic() + 90
    while True:
        found = await path.records()
        seats = [
            event.payload["after"]["seats"]
            for event in found
            if event.topic == "trip.public.places" and event.payload["op"] == "u"
        ]
        missing = wanted - {event.id for event in found}
        if not missing and seats and seats[-1] == len(written) - 1:
            break
        if time.monotonic() > until:
            slots = await conn.fetch("select * from pg_replication_slots")
            activity = await conn.fetch("select * from pg_stat_activity")
            shown = "\n".join(str(tuple(row)) for row in (*slots, *activity))
            pytest.fail(f"{len(missing)} events are missing; seats end with {seats[-5:]}\n{shown}")
        await asyncio.sleep(0.2)
    # Whole, and of each key in order, but for what came again.
    for key in ("o0", "o4"):
        seen = list(dict.fromkeys(e.payload["n"] for e in found if e.key == key))
        assert seen == list(range(len(written)))
    assert list(dict.fromkeys(seats)) == list(range(len(written)))
    await conn.close()
