"""The starter on real stores: users in documents, orders in rows, and either without the other."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pymongo
import pytest
from journeys import journeys_of
from waiting import until

from tarmac.base.errors import TarmacError
from tarmac.catalog.stores.mongodb import STORE
from tarmac.run.local.host import guard, offers
from tarmac.run.local.state.paths import Home
from tarmac.run.telemetry import queries, storage
from tarmac.testing import System, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
FILE = ROOT / "systems/starter/tarmac.yaml"
SERVICES = ("user-service", "order-service")


Person = journeys_of("starter").Person


KINDS = {"two of each": (2, ""), "on FerretDB": (1, "ferretdb"), "one of each": (1, "")}
#: For tests that are about one of each as well, in the fixture's order: so each is brought up once.
ONE_TOO = pytest.mark.parametrize("starter", KINDS.values(), ids=KINDS, indirect=True)


@pytest.fixture(
    scope="module",
    params=[KINDS["two of each"], KINDS["on FerretDB"]],
    ids=["two of each", "on FerretDB"],
)
def starter(request) -> Iterator[System]:
    count, provider = request.param
    real = offers.find(STORE, asked_provider=provider or None) is not None
    if provider and not real:
        pytest.skip(f"this machine has no {provider}; .ci/ferretdb builds one")
    scale = dict.fromkeys(SERVICES, count)
    asked = [f"users-db={provider}"] if provider else []
    name = f"{provider}{count}"
    with running(FILE, name=name, scale=scale, providers=asked, telemetry=True) as system:
        # What was asked for answers where it is there; else what stands in for it.
        scheme = urlsplit(system.store_url("users-db", "user-service")).scheme
        assert scheme == ("mongodb" if real else "postgresql")
        yield system


@pytest.fixture
async def ann(starter, session):
    person = Person(session, starter.url("entry"))
    assert (await person.sign_up(city="Ghent", attributes={"sizes": {"shoe": 38}})).status == 201
    return person


async def document(starter, user_id: str) -> dict:
    """Read a user's document in the store itself, past the service."""
    url = starter.store_url("users-db", "user-service")
    if url.startswith("mongodb"):
        async with pymongo.AsyncMongoClient(url) as client:
            return await client.get_default_database()["users"].find_one({"_id": user_id})
    connection = await asyncpg.connect(url)
    try:
        await connection.set_type_codec(
            "jsonb", encoder=str, decoder=__import__("json").loads, schema="pg_catalog"
        )
        row = await connection.fetchrow(
            "SELECT id, version, body FROM users WHERE id = $1", user_id
        )
        return {"_id": row["id"], "version": row["version"], **row["body"]}
    finally:
        await connection.close()


async def rows(starter, query: str, *args: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(starter.store_url("orders-db"))
    try:
        return await connection.fetch(query, *args)
    finally:
        await connection.close()


@contextlib.contextmanager
def frozen(starter, service: str) -> Iterator[None]:
    """Stop every instance of a service: it holds its connections and answers nothing."""
    found = [node for node in starter.nodes() if node.name.split(".")[0] == service]
    pids = [pid for process in found for pid in (process.pid, *guard.descendants(process.pid))]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@ONE_TOO
async def test_a_user_signs_up_and_is_a_document_in_the_store(starter, ann):
    shown = await ann.profile()
    assert (shown.status, shown.data["email"], shown.data["version"]) == (200, ann.email, 1)
    kept = await document(starter, ann.id)
    assert (kept["_id"], kept["version"], kept["email"]) == (ann.id, 1, ann.email)
    assert kept["attributes"] == {"sizes": {"shoe": 38}}
    assert ann.key not in str(kept)
    changed = await ann.change(1, city="Bruges")
    assert (changed.status, changed.data["version"]) == (200, 2)
    kept = await document(starter, ann.id)
    assert (kept["city"], kept["attributes"]) == ("Bruges", {"sizes": {"shoe": 38}})
    stale = await ann.change(1, city="Ypres")
    assert (stale.status, stale.data["code"], stale.data["version"]) == (409, "version_conflict", 2)


@pytest.mark.journey
@ONE_TOO
async def test_a_user_orders_and_the_order_is_a_row_that_user_service_shows(starter, ann):
    made = await ann.order("Kettle", 2550)
    assert (made.status, made.data["status"], made.data["total_minor"]) == (201, "confirmed", 5100)
    shown = await ann.ask("GET", f"/orders/{made.data['id']}")
    assert [step["status"] for step in shown.data["history"]] == ["pending", "confirmed"]
    (row,) = await rows(
        starter,
        "SELECT customer_id, email, state, total_minor FROM orders WHERE id = $1",
        uuid.UUID(made.data["id"]),
    )
    assert tuple(row) == (ann.id, ann.email, "confirmed", 5100)
    fetched = await ann.orders()
    assert fetched.status == 200
    assert [(item["id"], item["total_minor"]) for item in fetched.data["items"]] == [
        (made.data["id"], 5100)
    ]


async def test_a_request_is_one_trace_that_tarmac_shows(starter, ann):
    await ann.order("Espresso cup")
    trace_id = uuid.uuid4().hex
    sent = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    assert (await ann.ask("GET", f"/users/{ann.id}/orders", headers=sent)).status == 200
    path = Home.of(FILE, starter.namespace).telemetry

    def services() -> list[str]:
        """Name them from the outermost span to the innermost; each sends in its own time."""
        with (
            contextlib.suppress(TarmacError),  # it, or the file, is not there yet
            contextlib.closing(storage.reader(path)) as stored,
        ):
            _, spans = queries.trace(stored, trace_id)
            assert not any(span.failed for span in spans)
            return [span.service for span in spans if span.kind in ("server", "client")]
        return []

    await until(lambda: services()[:3] == ["user-service", "user-service", "order-service"])


async def test_nobody_sees_anothers_document_or_orders_and_staff_sees_documents(
    starter, session, ann
):
    order_id = (await ann.order()).data["id"]
    bob = Person(session, ann.address)
    await bob.sign_up()
    for path in (f"/users/{ann.id}", f"/users/{ann.id}/orders", f"/orders/{order_id}"):
        assert (await bob.ask("GET", path)).status == 404
        assert (await Person(session, ann.address).ask("GET", path)).status == 401
    assert (await bob.ask("GET", "/users")).status == 403
    admin = Person(session, ann.address, email="admin@starter.example.com")
    admin.key = starter.env("user-service")["ADMIN_KEY"]
    assert (await admin.log_in()).status == 200
    found = await admin.ask("GET", f"/users?email={ann.email}")
    assert [item["id"] for item in found.data["items"]] == [ann.id]
    listed = (await admin.ask("GET", "/users?limit=1")).data
    admin.id = next(
        item["id"]
        for item in (await admin.ask("GET", "/users?limit=100")).data["items"]
        if item["email"] == admin.email
    )
    assert listed["next_cursor"]
    seeded = (await admin.orders()).data["items"]
    assert [order["total_minor"] for order in seeded] == [3450, 900]


async def test_every_replica_believes_the_tokens_and_keys_of_the_others(ann):
    for _ in range(4):
        assert (await ann.log_in()).status == 200
        assert {(await ann.profile()).status for _ in range(4)} == {200}
        assert (await ann.orders()).status == 200


async def test_of_ten_changes_at_once_one_succeeds_and_of_ten_orders_with_a_key_there_is_one(
    starter, ann
):
    changes = await asyncio.gather(*(ann.change(1, city=f"city {n}") for n in range(10)))
    if "FerretDB" not in starter.node("users-db").about:  # there more than one may succeed
        assert sorted(change.status for change in changes) == [200, *[409] * 9]
    key = uuid.uuid4().hex
    made = await asyncio.gather(*(ann.order(key=key) for _ in range(10)))
    assert {answer.status for answer in made} == {201}
    assert len({artifact.data["id"] for artifact in made}) == 1
    assert len((await ann.orders()).data["items"]) == 1


async def test_without_order_service_users_are_there_and_their_orders_are_a_clean_error(
    starter, ann
):
    timeout_s = float(starter.env("user-service")["ORDERS_TIMEOUT_S"])
    await ann.order()
    assert (await ann.orders()).status == 200
    with frozen(starter, "order-service"):
        began = time.monotonic()
        answer = await ann.orders()
        took_s = time.monotonic() - began
        assert (answer.status, answer.data["code"]) == (503, "orders_unavailable")
        assert answer.data["degraded"] == ["orders"]
        assert answer.headers["Retry-After"] == "1"
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert took_s < 3 * timeout_s + 5
        assert (await ann.profile()).status == 200
        assert (await ann.change(1, city="Bruges")).status == 200
    end = time.monotonic() + 30
    while (answer := await ann.orders()).status != 200:
        assert answer.status == 503
        assert time.monotonic() < end
        await asyncio.sleep(0.05)
    assert len(answer.data["items"]) == 1


@ONE_TOO
async def test_a_killed_order_service_loses_and_doubles_nothing(starter, ann):
    victim = next(
        node.name for node in starter.nodes() if node.name.split(".")[0] == "order-service"
    )
    keys = [uuid.uuid4().hex for _ in range(12)]
    buying = asyncio.gather(*(ann.insist(key) for key in keys))
    await asyncio.to_thread(starter.kill, victim)
    made = await buying
    await asyncio.to_thread(starter.wait)
    assert len(set(made)) == 12
    count = "SELECT count(*) FROM orders WHERE customer_id = $1"
    assert [tuple(row) for row in await rows(starter, count, ann.id)] == [(12,)]


@pytest.mark.parametrize("store", ["users-db", "orders-db"])
async def test_a_killed_store_keeps_what_was_accepted_and_is_a_503_meanwhile(
    starter, session, ann, store
):
    order_id = await ann.insist(uuid.uuid4().hex)
    statuses = set()
    await asyncio.to_thread(starter.kill, store)
    end = time.monotonic() + 60
    while True:
        bob = Person(session, ann.address)
        with contextlib.suppress(aiohttp.ClientError):
            statuses |= {status := (await bob.sign_up()).status}
            if status == 201 and (await bob.order()).status == 201:
                break
        assert time.monotonic() < end
        await asyncio.sleep(0.05)
    assert statuses <= {201, 502, 503}
    await asyncio.to_thread(starter.wait)
    assert (await ann.profile()).data["email"] == ann.email
    assert (await ann.ask("GET", f"/orders/{order_id}")).data["status"] == "confirmed"
    assert (await bob.profile()).status == 200


async def test_a_fresh_starter_holds_what_it_began_with(starter, session, ann):
    await ann.order()
    await asyncio.to_thread(starter.fresh)
    assert (await ann.profile()).status == 404
    assert (await ann.ask("GET", "/orders")).data["items"] == []
    assert (await ann.sign_up()).status == 201  # the address is free again
    admin = Person(session, ann.address, email="admin@starter.example.com")
    admin.key = starter.env("user-service")["ADMIN_KEY"]
    assert (await admin.log_in()).status == 200
    listed = await admin.ask("GET", "/users?limit=100")
    assert {item["email"] for item in listed.data["items"]} == {admin.email, ann.email}


@ONE_TOO
async def test_at_the_end_every_invariant_holds(starter):
    verdicts = await asyncio.to_thread(starter.invariants)
    assert len(verdicts) == 3
    assert [verdict for verdict in verdicts if not verdict.holds] == []
