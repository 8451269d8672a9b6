"""Orders on a real PostgreSQL: one order per key, claims without overlap, routes and events."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from tarmac_kit import Inbox, Message, Outbox, Sweep, Unavailable
from tarmac_kit_testing import issue_token
from tarmac_orders import events
from tarmac_orders.app import PART
from tarmac_orders.domain import Item, State
from tarmac_orders.repository import OrderRepository
from tarmac_orders.service import Orders, Request
from tarmac_orders.steps import Steps
from tarmac_orders.upstream import Catalog, Inventory

pytestmark = pytest.mark.servers

SEED = Path(__file__).parents[3] / "systems" / "shop" / "seed" / "products.sql"

ADA = issue_token("ada", email="ada@example.com")
STAFF = issue_token("sam", roles=["staff"])


@pytest.fixture
async def orders(database_of, shop_shelf):
    """Give orders over a real database and a faked shelf."""
    database, repository = database_of("orders"), OrderRepository()
    outbox = Outbox(database, publishes=set(events.PUBLISHED))
    Inbox(database)  # its table
    await database.open()
    steps = Steps(database, repository, Inventory(shop_shelf, ttl_s=900.0), outbox, 5.0)
    return Orders(database, repository, Catalog(shop_shelf), steps)


async def told(orders: Orders) -> Counter[str]:
    async with orders.database.connection() as connection:
        rows = await connection.fetch("SELECT type FROM outbox ORDER BY seq")
    return Counter(row["type"] for row in rows)


async def make_due(orders: Orders) -> None:
    async with orders.database.connection() as connection:
        await connection.execute("UPDATE orders SET step_at = now() - interval '1 s'")


def wants(product_id: UUID, quantity: int = 1) -> Request:
    return Request((Item(product_id, quantity),), "tok_ok", {"city": "Ghent"})


async def test_one_key_twenty_times_at_once_is_one_order(orders, customer, shop_shelf) -> None:
    cup = shop_shelf.add(stock=50)
    made = await asyncio.gather(*(orders.place(customer, "key", wants(cup, 2)) for _ in range(20)))
    assert len({placed.order.id for placed in made}) == 1
    assert {placed.order.state for placed in made} == {State.PLACED}
    assert sum(not placed.replayed for placed in made) == 1
    assert shop_shelf.stock[str(cup)] == 48
    assert await told(orders) == {"order.placed": 1}


async def test_five_sweeps_at_once_finish_every_pending_order_once(
    orders, customer, shop_shelf
) -> None:
    cup = shop_shelf.add(stock=100)
    real_put, shop_shelf.put = shop_shelf.put, _unanswered
    for number in range(40):
        placed = await orders.place(customer, f"key {number}", wants(cup))
        assert placed.order.state is State.PENDING
    shop_shelf.put = real_put
    await make_due(orders)
    sweeps = [orders.steps.sweep(batch=4) for _ in range(5)]

    async def run(sweep: Sweep[UUID]) -> int:
        swept = 0
        while found := await sweep.once():
            swept += found
        return swept

    assert sum(await asyncio.gather(*(run(sweep) for sweep in sweeps))) == 40
    assert await told(orders) == {"order.placed": 40}
    assert shop_shelf.stock[str(cup)] == 60


async def test_an_order_whose_step_fails_is_left_alone_longer_each_time(
    orders, customer, shop_shelf
) -> None:
    cup = shop_shelf.add()
    shop_shelf.put = _unanswered
    await orders.place(customer, "key", wants(cup))
    sweep = orders.steps.sweep()
    assert await sweep.once() == 0
    pauses = []
    for _ in range(5):
        await make_due(orders)
        assert await sweep.once() == 1
        async with orders.database.connection() as connection:
            pauses.append(
                await connection.fetchval(
                    "SELECT round(extract(epoch FROM step_at - now()))::int FROM orders"
                )
            )
    assert pauses == [5, 10, 15, 15, 15]


async def test_one_payment_delivered_ten_times_at_once_confirms_once(
    orders, customer, shop_shelf, payment
) -> None:
    cup = shop_shelf.add()
    placed = await orders.place(customer, "key", wants(cup))
    message = payment("payment.captured", placed.order.id)
    await asyncio.gather(*(orders.on_payment_captured(message) for _ in range(10)))
    assert await told(orders) == {"order.placed": 1, "order.confirmed": 1}
    _, history = await orders.show(customer, placed.order.id)
    assert [step.state for step in history] == ["pending", "placed", "paid", "confirmed"]


async def test_cancel_and_capture_at_once_end_in_exactly_one_of_the_two(
    orders, customer, shop_shelf, payment
) -> None:
    cup = shop_shelf.add(stock=1000)
    for number in range(20):
        placed = await orders.place(customer, f"key {number}", wants(cup))
        await asyncio.gather(
            orders.cancel(customer, placed.order.id),
            orders.on_payment_captured(payment("payment.captured", placed.order.id)),
            return_exceptions=True,
        )
    said = await told(orders)
    assert said["order.placed"] == 20
    assert said["order.confirmed"] + said["order.cancelled"] == 20
    assert shop_shelf.stock[str(cup)] == 1000 - said["order.confirmed"]


@pytest.fixture
def environ(shelf_url) -> dict[str, str]:
    return {
        "CATALOG_URL": shelf_url,
        "INVENTORY_URL": shelf_url,
        "CATALOG_TIMEOUT_S": "1",
        "INVENTORY_TIMEOUT_S": "1",
        "PUBLISHES": "order.placed,order.confirmed,order.cancelled",
        "CONSUMES": "payment.captured,payment.declined",
    }


@pytest.fixture
async def api(start, environ):
    """Give the part as an app of its own."""
    return await start(PART, **environ, ORDER_STEP_AFTER_S="0.2", ORDER_SWEEP_S="0.05")


async def buy(api, product_id, *, key="key", token=ADA, **more):
    body = {
        "items": [{"product_id": str(product_id), "quantity": 2}],
        "payment_token": "tok_ok",
        **more,
    }
    return await api.post("/orders", json=body, headers={"Idempotency-Key": key}, token=token)


async def until(api, order_id: str, status: str, *, token=ADA):
    async with asyncio.timeout(60):
        while True:
            order = (await api.get(f"/orders/{order_id}", token=token)).json()
            if order["status"] == status:
                return order
            await asyncio.sleep(0.02)


async def test_the_journey_of_an_order_through_the_routes(api, bus, shop_shelf) -> None:
    cup = shop_shelf.add(minor=450, stock=5)
    address = {
        "name": "Ada",
        "street": "Rue de l'Est 1",
        "postal_code": "9000",
        "city": "Ghent",
        "country": "BE",
    }
    made = await buy(api, cup, shipping_address=address)
    assert made.status == 201
    order = made.json()
    assert made.headers["location"] == f"/orders/{order['id']}"
    assert (order["status"], order["total_minor"], order["currency"]) == ("placed", 900, "EUR")
    assert order["shipping_address"] == address
    again = await buy(api, cup, shipping_address=address)
    assert (again.status, again.headers["idempotency-replayed"]) == (201, "true")
    assert again.json() == order

    async with asyncio.timeout(60):
        while not bus.published:  # noqa: ASYNC110 - nobody pays before they have heard of it
            await asyncio.sleep(0.01)
    captured = {"payment_id": str(uuid4()), "order_id": order["id"]}
    await bus.publish(Message(str(uuid4()), "payment.captured", order["id"], captured))
    shown = await until(api, order["id"], "confirmed")
    assert [step["status"] for step in shown["history"]] == [
        "pending",
        "placed",
        "paid",
        "confirmed",
    ]
    async with asyncio.timeout(60):
        while len(bus.published) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    topics = [message.topic for message in bus.published]
    assert topics == ["order.placed", "payment.captured", "order.confirmed"]
    assert bus.published[0].key == order["id"]
    listed = await api.get("/orders", token=ADA)
    assert [item["id"] for item in listed.json()["items"]] == [order["id"]]
    assert (await api.get("/orders?status=cancelled", token=ADA)).json()["items"] == []


async def test_an_order_whose_reservation_is_not_answered_is_202_and_finished_later(
    api, shop_shelf
) -> None:
    cup = shop_shelf.add(stock=5)
    real_put, shop_shelf.put = shop_shelf.put, _unanswered
    made = await buy(api, cup)
    assert (made.status, made.json()["status"]) == (202, "pending")
    shop_shelf.put = real_put
    await until(api, made.json()["id"], "placed")
    replay = await buy(api, cup)
    assert (replay.status, replay.json()["id"]) == (201, made.json()["id"])


async def test_a_cancellation_says_whether_the_customer_ever_had_the_order(
    api, bus, shop_shelf
) -> None:
    cup = shop_shelf.add(stock=1)
    assert (await buy(api, cup)).status == 409
    real_put, shop_shelf.put = shop_shelf.put, _unanswered
    accepted = await buy(api, cup, key="another")
    assert accepted.status == 202
    shop_shelf.put = real_put
    await until(api, accepted.json()["id"], "cancelled")
    async with asyncio.timeout(60):
        while len(bus.published) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    said = [
        (message.payload["reason"], message.payload["was_accepted"]) for message in bus.published
    ]
    assert said == [("out_of_stock", False), ("out_of_stock", True)]


async def test_an_inventory_that_hangs_costs_no_more_than_its_deadline(api, shop_shelf) -> None:
    cup = shop_shelf.add(stock=5)
    asked = asyncio.Event()

    async def hang(_path, **_options):
        asked.set()
        await asyncio.Event().wait()

    shop_shelf.put = hang
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    made = await buy(api, cup)
    assert asked.is_set()
    assert (made.status, made.json()["status"]) == (202, "pending")
    assert loop.time() - began_at < 20


async def test_a_declined_payment_cancels_and_says_why(api, bus, shop_shelf) -> None:
    cup = shop_shelf.add(stock=5)
    order = (await buy(api, cup)).json()
    declined = {"payment_id": str(uuid4()), "order_id": order["id"], "reason": "card_declined"}
    await bus.publish(Message(str(uuid4()), "payment.declined", order["id"], declined))
    shown = await until(api, order["id"], "cancelled")
    assert shown["reason"] == "payment_declined"
    assert shop_shelf.stock[str(cup)] == 5


@pytest.mark.parametrize(
    ("heard", "end"), [("payment.captured", "confirmed"), ("payment.declined", "cancelled")]
)
async def test_what_a_payment_makes_due_does_not_wait_for_the_sweep(
    start, environ, bus, shop_shelf, payment, heard, end
) -> None:
    api = await start(PART, **environ, ORDER_STEP_AFTER_S="3600", ORDER_SWEEP_S="3600")
    order = (await buy(api, shop_shelf.add())).json()
    await bus.publish(payment(heard, UUID(order["id"])))
    shown = await until(api, order["id"], end)
    assert (shown["id"], shown["status"]) == (order["id"], end)


async def test_out_of_stock_is_a_409_that_says_what_is_short(api, shop_shelf) -> None:
    cup = shop_shelf.add(stock=1)
    for _ in range(2):
        answer = await buy(api, cup)
        assert (answer.status, answer.json()["code"]) == (409, "out_of_stock")
        assert answer.json()["short"][0]["product_id"] == str(cup)
    order = (await api.get(f"/orders/{answer.json()['order_id']}", token=ADA)).json()
    assert (order["status"], order["reason"]) == ("cancelled", "out_of_stock")


@pytest.mark.parametrize(
    "broken",
    [
        {"items": []},
        {"items": [{"product_id": str(uuid4()), "quantity": 0}]},
        {"items": [{"product_id": str(uuid4()), "quantity": 100}]},
        {"items": [{"product_id": str(uuid4()), "quantity": 1}] * 51},
        {"items": [{"product_id": str(uuid4()), "quantity": 1, "unit_price_minor": 1}]},
        {"total_minor": 1},
        {"payment_token": "no spaces please"},
        {"shipping_address": {"city": "Ghent"}},
        {
            "shipping_address": {
                "name": "A\0da",
                "street": "x",
                "postal_code": "1",
                "city": "x",
                "country": "BE",
            }
        },
    ],
)
async def test_a_body_that_breaks_the_schema_is_422_and_makes_no_order(api, broken) -> None:
    answer = await buy(api, uuid4(), **broken)
    assert (answer.status, answer.json()["code"]) == (422, "invalid_request")
    assert (await api.get("/orders", token=ADA)).json()["items"] == []


async def test_a_key_is_needed_and_cannot_be_blank(api, shop_shelf) -> None:
    body = {
        "items": [{"product_id": str(shop_shelf.add()), "quantity": 1}],
        "payment_token": "tok_ok",
    }
    missing = await api.post("/orders", json=body, token=ADA)
    assert (missing.status, missing.json()["code"]) == (400, "idempotency_key_missing")
    blank = await api.post("/orders", json=body, headers={"Idempotency-Key": " "}, token=ADA)
    assert blank.status == 400


async def test_the_document_shows_a_request_that_can_be_sent_as_it_stands(api, shop_shelf) -> None:
    document = (await api.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    [key] = document["paths"]["/orders"]["post"]["parameters"]
    assert (key["name"], key["in"], key["required"]) == ("Idempotency-Key", "header", True)

    def shown(model: str) -> dict[str, Any]:
        members = schemas[model]["properties"].items()
        return {name: member["examples"][0] for name, member in members if "examples" in member}

    product_id = shown("ItemIn")["product_id"]
    assert product_id in SEED.read_text()
    kettle = shop_shelf.products[str(shop_shelf.add())]
    shop_shelf.products[product_id] = {**kettle, "product_id": product_id}
    shop_shelf.stock[product_id] = 1
    made = await api.post(
        "/orders",
        json={
            "items": [{**shown("ItemIn"), "quantity": 1}],
            **shown("OrderIn"),
            "shipping_address": shown("AddressIn"),
        },
        headers={key["name"]: str(uuid4())},
        token=ADA,
    )
    assert made.status == 201


async def test_without_a_token_nothing_is_told(api) -> None:
    order = f"/orders/{uuid4()}"
    for answer in (
        await api.get("/orders"),
        await api.get(order),
        await api.post(f"{order}/cancel"),
        await api.post("/orders", json={}),
    ):
        assert answer.status == 401


async def test_cancel_through_the_route(api, shop_shelf) -> None:
    cup = shop_shelf.add(stock=5)
    order = (await buy(api, cup)).json()
    stranger = issue_token("eve")
    assert (await api.post(f"/orders/{order['id']}/cancel", token=stranger)).status == 404
    assert (await api.get(f"/orders/{order['id']}", token=stranger)).status == 404
    shop_shelf.away = True
    cancelling = await api.post(f"/orders/{order['id']}/cancel", token=ADA)
    assert (cancelling.status, cancelling.json()["status"]) == (202, "cancelling")
    shop_shelf.away = False
    await until(api, order["id"], "cancelled", token=STAFF)
    done = await api.post(f"/orders/{order['id']}/cancel", token=ADA)
    assert (done.status, done.json()["reason"]) == (200, "by_customer")
    assert len((await api.get("/orders?scope=all", token=STAFF)).json()["items"]) == 1
    assert (await api.get("/orders?scope=all", token=ADA)).status == 403


async def test_a_second_start_on_the_same_database_changes_nothing(
    applied_by_two_starts, shelf_url
) -> None:
    applied = await applied_by_two_starts(PART, CATALOG_URL=shelf_url, INVENTORY_URL=shelf_url)
    assert applied == [("kit_inbox", 1), ("kit_outbox", 1), ("orders", 1), ("orders", 2)]


async def _unanswered(_path, **_options):
    raise Unavailable("inventory")
