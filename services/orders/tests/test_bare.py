"""Orders where nobody keeps a catalog or stock or takes payments: the same promises."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from tarmac_kit import Problem, SettingsError, create_app
from tarmac_kit_testing import issue_token, static_verifier
from tarmac_orders.app import PART
from tarmac_orders.domain import Item, Quote, State
from tarmac_orders.service import Orders, Request
from tarmac_orders.steps import Steps
from tarmac_orders.upstream import Inventory

ADA = issue_token("ada", email="ada@example.com")
CUP = UUID("5eed0000-0000-4000-8000-000000001003")


def wants(minor: int = 450, *, currency: str = "EUR") -> Request:
    quote = Quote(CUP, "A cup", minor, currency, active=True)
    return Request((Item(CUP, 2),), "", None, {CUP: quote})


def bare(shop, *, inventory: Inventory | None = None) -> Orders:
    outbox = shop.orders.steps.outbox
    tables = shop.tables
    steps = Steps(tables, tables, inventory, outbox, 5.0, awaits_payment=False)
    return Orders(tables, tables, None, steps)


async def test_an_order_at_its_own_prices_is_confirmed_at_once_and_nobody_is_asked(
    shop, customer
) -> None:
    placed = await bare(shop).place(customer, "key", wants())
    assert (placed.order.state, placed.order.total_minor) == (State.CONFIRMED, 900)
    assert placed.order.accepted
    assert [line.name for line in placed.order.lines] == ["A cup"]
    assert shop.said() == ["order.confirmed"]
    assert shop.shelf.calls == []


async def test_one_key_is_one_order_and_another_price_is_another_order(shop, customer) -> None:
    orders = bare(shop)
    first = await orders.place(customer, "key", wants())
    again = await orders.place(customer, "key", wants())
    assert (again.order.id, again.replayed) == (first.order.id, True)
    for other in (wants(451), wants(currency="USD")):
        with pytest.raises(Problem) as caught:
            await orders.place(customer, "key", other)
        assert caught.value.code == "idempotency_key_reused"
    assert shop.said() == ["order.confirmed"]


async def test_a_crash_after_the_order_was_accepted_is_resumed_by_the_sweep(shop, customer) -> None:
    orders = bare(shop)
    shop.tables.crash_before_commit = "order.confirmed"
    try:
        await orders.place(customer, "key", wants())
    except BaseException as ended:  # noqa: BLE001
        assert type(ended).__name__ == "Crash"  # noqa: PT017
    else:
        pytest.fail("it did not crash")
    [order] = shop.tables.orders.values()
    assert order.state is State.PENDING
    await orders.steps.sweep().once()
    assert shop.state(order.id) is State.CONFIRMED
    assert shop.said() == ["order.confirmed"]


async def test_with_stock_and_without_payments_what_is_reserved_is_sold_at_once(
    shop, customer
) -> None:
    shop.shelf.products[str(CUP)] = {}
    shop.shelf.stock[str(CUP)] = 3
    orders = bare(shop, inventory=Inventory(shop.shelf, ttl_s=900.0))
    placed = await orders.place(customer, "key", wants())
    assert (placed.order.state, placed.order.accepted) == (State.CONFIRMED, True)
    assert (shop.shelf.calls, shop.shelf.stock[str(CUP)]) == (["reserve", "commit"], 1)
    with pytest.raises(Problem) as caught:
        await orders.place(customer, "another", wants())
    assert caught.value.code == "out_of_stock"


def test_where_somebody_takes_payments_it_does_not_start_without_a_catalog() -> None:
    env = {"DATABASE_URL": "postgresql://127.0.0.1/x", "CONSUMES": "payment.captured"}
    with pytest.raises(SettingsError) as caught:
        create_app([PART], env, verifier=static_verifier())
    assert len(caught.value.lines) == 1
    assert "CATALOG_URL is not set" in caught.value.lines[0]


@pytest.mark.servers
async def test_the_routes_of_orders_alone(start) -> None:
    api = await start(PART)
    item = {"product_id": str(CUP), "name": "A cup", "quantity": 2, "unit_price_minor": 450}
    body = {"items": [item], "currency": "EUR"}
    headers = {"Idempotency-Key": "key"}
    made = await api.post("/orders", json=body, headers=headers, token=ADA)
    assert (made.status, made.json()["status"]) == (201, "confirmed")
    assert (made.json()["total_minor"], made.json()["currency"]) == (900, "EUR")
    order_id = made.json()["id"]
    shown = (await api.get(f"/orders/{order_id}", token=ADA)).json()
    assert [step["status"] for step in shown["history"]] == ["pending", "confirmed"]
    again = await api.post("/orders", json=body, headers=headers, token=ADA)
    assert (again.status, again.json()["id"]) == (201, order_id)
    late = await api.post(f"/orders/{order_id}/cancel", token=ADA)
    assert (late.status, late.json()["code"]) == (409, "not_cancellable")


@pytest.mark.servers
@pytest.mark.parametrize(
    "broken",
    [
        {"items": [{"product_id": str(CUP), "quantity": 1}]},
        {"currency": "euro"},
        {"currency": None},
        {"price": 1},
        {"payment_token": "tok_ok"},
    ],
)
async def test_a_priced_order_that_breaks_the_schema_is_422(start, broken) -> None:
    api = await start(PART)
    item = {"product_id": str(uuid4()), "name": "x", "quantity": 1, "unit_price_minor": 1}
    body = {"items": [item], "currency": "EUR", **broken}
    answers = await asyncio.gather(
        api.post("/orders", json=body, headers={"Idempotency-Key": "k"}, token=ADA),
        api.post(
            "/orders",
            json={"items": [item, item], "currency": "EUR"},
            headers={"Idempotency-Key": "k"},
            token=ADA,
        ),
    )
    assert {(answer.status, answer.json()["code"]) for answer in answers} == {
        (422, "invalid_request")
    }
