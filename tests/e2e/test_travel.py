"""TravelSources on real stores, behind its two public hosts, as a traveller uses it."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer
from journeys import journeys_of
from mailing import emails

from tarmac.testing import running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
FILE = ROOT / "systems/travel/tarmac.yaml"
SERVICES = ("frontend", "auth", "catalog", "cart", "orders", "payments", "notifications")
READERS = ("orders-cdc", "payments-cdc")


Traveller = journeys_of("travel").Traveller


#: For tests that are about one of each as well, in the fixture's order: so each is brought up once.
ONE_TOO = pytest.mark.parametrize(
    "travel", [2, 1], ids=["two of each", "one of each"], indirect=True
)


@pytest.fixture(scope="module", params=[2], ids=["two of each"])
def travel(request):
    scale = dict.fromkeys((*SERVICES, *READERS), request.param)
    with running(FILE, name=f"travel{request.param}", scale=scale) as system:
        yield system


@pytest.fixture
async def tess(travel, session):
    traveller = Traveller(session, travel.url("entry", "api"))
    assert (await traveller.sign_up()).status == 201
    assert traveller.token
    return traveller


async def rows(travel, store: str, query: str, *args: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(travel.store_url(store))
    try:
        return await connection.fetch(query, *args)
    finally:
        await connection.close()


@pytest.mark.journey
@ONE_TOO
async def test_a_traveller_signs_up_fills_a_cart_books_pays_and_gets_an_email(
    travel, session, tess
):
    city = await tess.find("lisbon")
    rail = await tess.find("vienna")
    before = await tess.places(city["id"])
    await tess.put(city["id"], 2)
    cart = await tess.put(rail["id"], 1)
    assert cart.data["total_minor"] == 2 * city["price_minor"] + rail["price_minor"]
    placed = await tess.check_out()
    assert placed.status == 201, placed.data
    order = await tess.ended(placed.data["id"])
    assert (order["status"], order["total_minor"]) == ("confirmed", cart.data["total_minor"])
    assert await tess.places(city["id"]) == before - 2
    assert (await tess.ask("GET", "/cart")).data["lines"] == []
    (email,) = await emails(travel.node("mail").page, session, tess.email, 1)
    assert city["name"] in email["text"]
    assert "TravelSources" in email["text"]
    payment = await tess.ask("GET", f"/payments?order_id={order['id']}")
    paid = await rows(
        travel,
        "payments-db",
        "SELECT state FROM payments WHERE order_id = $1",
        uuid.UUID(order["id"]),
    )
    assert [row["state"] for row in paid] == ["captured"], payment.data


async def test_a_checkout_asked_for_from_twenty_connections_is_one_booking(travel, tess):
    trip = await tess.find("interrail")
    await tess.put(trip["id"], 1)
    keys = [f"{n % 4}-{uuid.uuid4().hex[:4]}" for n in range(20)]
    answers = await asyncio.gather(*(tess.check_out(key=key) for key in keys))
    made = {answer.data["id"] for answer in answers if answer.status in (201, 202)}
    assert len(made) == 1
    assert {answer.status for answer in answers} <= {201, 202, 409}
    listed = await tess.ask("GET", "/orders")
    assert [item["id"] for item in listed.data["items"]] == list(made)
    await tess.ended(made.pop())


async def test_a_declined_card_frees_the_places_and_the_email_says_so(travel, session, tess):
    trip = await tess.find("kornati")
    before = await tess.places(trip["id"])
    await tess.put(trip["id"], 2)
    placed = await tess.check_out(payment_token="tok_declined")
    order = await tess.ended(placed.data["id"])
    assert (order["status"], order["reason"]) == ("cancelled", "payment_declined")
    assert await tess.places(trip["id"]) == before
    (email,) = await emails(travel.node("mail").page, session, tess.email, 1)
    assert "cancelled" in email["subject"]


async def test_a_trip_without_places_stays_in_the_cart_and_says_what_is_short(tess):
    trip = await tess.find("douro")
    await tess.put(trip["id"], 1)
    refused = await tess.check_out()
    assert (refused.status, refused.data["code"]) == (409, "out_of_stock")
    assert refused.data["short"][0]["product_id"] == trip["id"]
    assert len((await tess.ask("GET", "/cart")).data["lines"]) == 1


async def test_only_public_paths_are_reached_from_outside(travel, session, tess):
    api = travel.url("entry", "api")
    trip = await tess.find("orkney")
    for path in ("/prices", "/reservations/x", "/health", "/metrics", "/openapi.json"):
        async with session.get(f"{api}{path}") as answer:
            assert (answer.status, (await answer.json())["code"]) == (404, "no_route")
    deep = await tess.ask("GET", f"/products/{trip['id']}/stock?x=%2F")
    assert deep.status == 200
    keys = await tess.ask("GET", "/.well-known/jwks.json")
    assert keys.data["keys"][0]["kty"] == "RSA"
    stranger = Traveller(session, api)
    for path in ("/cart", "/orders", "/users/me"):
        assert (await stranger.ask("GET", path)).status == 401


async def test_a_booking_shows_up_on_kafka_as_debezium_would_write_it(travel, tess):
    if not travel.node("broker").about.startswith("Kafka"):
        pytest.skip("no Kafka here: .ci/kafka brings one")
    trip = await tess.find("interrail")
    await tess.put(trip["id"], 1)
    order = (await tess.check_out()).data
    await tess.ended(order["id"])
    url = urlsplit(travel.store_url("broker"))
    consumer = AIOKafkaConsumer(
        "order.placed",
        bootstrap_servers=f"{url.hostname}:{url.port}",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_plain_username=url.username,
        sasl_plain_password=url.password,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            async for record in consumer:
                if record.key.decode() == order["id"]:
                    break
    finally:
        await consumer.stop()
    assert json.loads(record.value)["total_minor"] == trip["price_minor"]
    (event,) = await rows(
        travel,
        "orders-db",
        "SELECT id::text FROM outbox WHERE aggregateid = $1 AND type = $2",
        order["id"],
        "order.placed",
    )
    assert dict(record.headers)["id"].decode() == event["id"]


@ONE_TOO
async def test_orders_killed_under_a_checkout_lose_no_booking_and_make_no_second(travel, tess):
    trip = await tess.find("interrail")
    await tess.put(trip["id"], 1)
    await asyncio.to_thread(travel.kill, "orders")
    key = uuid.uuid4().hex
    end = time.monotonic() + 30
    while (answer := await tess.check_out(key=key)).status not in (201, 202):
        assert answer.status >= 500, answer.data
        assert time.monotonic() < end, answer.data
        await asyncio.sleep(0.1)
    order = await tess.ended(answer.data["id"])
    assert order["status"] == "confirmed"
    assert len((await tess.ask("GET", "/orders")).data["items"]) == 1
    await asyncio.to_thread(travel.wait)


@ONE_TOO
def test_at_rest_every_invariant_holds(travel):
    end = time.monotonic() + 30
    while broken := [v for v in travel.invariants() if not v.holds]:
        assert time.monotonic() < end, broken
        time.sleep(0.3)
