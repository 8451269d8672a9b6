"""The cart on a real PostgreSQL, before a catalog and orders that answer as the real ones do."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest

from tarmac_cart.app import PART
from tarmac_kit import create_app
from tarmac_kit.client import Request, Response, TransportError
from tarmac_kit_testing import (
    issue_token,
    json_response,
    running,
    static_verifier,
)

pytestmark = pytest.mark.servers

KETTLE, CUP, GONE = (UUID(int=number) for number in (1, 2, 3))
ANN, BOB = issue_token("ann"), issue_token("bob")
CARD = {"payment_token": "tok_ok"}


@dataclass
class Others:
    """The catalog and orders: one order per customer and key, prices that may be away."""

    orders: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    catalog_away: bool = False
    #: What becomes of the next requests for an order: "lost" is made, and its answer never comes.
    script: list[str] = field(default_factory=list)
    asked: int = 0

    async def __call__(self, request: Request) -> Response:
        body = json.loads(request.body or b"{}")
        if urlsplit(request.url).path == "/prices":
            if self.catalog_away:
                raise TransportError("away")
            known = {
                KETTLE: ("Kettle", 4990, True),
                CUP: ("Cup", 900, True),
                GONE: ("Old", 1, False),
            }
            found = [(i, known[UUID(i)]) for i in body["product_ids"] if UUID(i) in known]
            return json_response(
                200,
                {
                    "prices": [
                        {
                            "product_id": i,
                            "name": name,
                            "price_minor": minor,
                            "currency": "EUR",
                            "active": active,
                        }
                        for i, (name, minor, active) in found
                    ]
                },
            )
        self.asked += 1
        what = self.script.pop(0) if self.script else ""
        if what == "short":
            return json_response(409, {"code": "out_of_stock", "status": 409})
        key = (request.headers["Authorization"], request.headers["Idempotency-Key"])
        order = self.orders.get(key)
        replayed = order is not None
        if order is None:
            order = self.orders[key] = {"id": str(uuid4()), "status": "placed", **body}
        if {**order, **body} != order:
            return json_response(422, {"code": "idempotency_key_reused", "status": 422})
        if what == "lost":
            raise TransportError("the answer is lost")
        headers = {"content-type": "application/json", "location": f"/orders/{order['id']}"}
        if replayed:
            headers["idempotency-replayed"] = "true"
        return Response(201, headers, json.dumps(order).encode())


@pytest.fixture
def others() -> Others:
    return Others()


@pytest.fixture
async def api(database_url, others):
    environ = {
        "SERVICE_NAME": "cart",
        "DATABASE_URL": database_url,
        "CATALOG_URL": "http://catalog",
        "ORDERS_URL": "http://orders",
        "ORDERS_RETRIES": "0",
    }
    app = create_app([PART], environ, transport=others, verifier=static_verifier())
    async with running(app) as api:
        yield api


async def put(api, product: UUID, quantity: int, token: str = ANN):
    answer = await api.put(f"/cart/lines/{product}", json={"quantity": quantity}, token=token)
    assert answer.status == 200, answer.body
    return answer.json()


async def check_out(api, key: str = "k1", token: str = ANN, **body):
    headers = {"Idempotency-Key": key}
    return await api.post("/cart/checkout", json={**CARD, **body}, headers=headers, token=token)


async def cart_of(api, token: str = ANN) -> dict[str, int]:
    found = (await api.get("/cart", token=token)).json()
    return {line["name"]: line["quantity"] for line in found["lines"]}


async def test_lines_are_added_changed_removed_and_priced(api) -> None:
    empty = (await api.get("/cart", token=ANN)).json()
    assert (empty["id"], empty["lines"], empty["total_minor"]) == (None, [], None)
    await put(api, KETTLE, 1)
    cart = await put(api, CUP, 2)
    assert (cart["currency"], cart["total_minor"]) == ("EUR", 4990 + 2 * 900)
    assert [line["name"] for line in cart["lines"]] == ["Kettle", "Cup"]
    again = await put(api, CUP, 2)
    assert again["version"] == cart["version"]
    assert (await put(api, CUP, 5))["version"] == cart["version"] + 1
    left = (await api.delete(f"/cart/lines/{KETTLE}", token=ANN)).json()
    assert [line["name"] for line in left["lines"]] == ["Cup"]
    once_more = (await api.delete(f"/cart/lines/{KETTLE}", token=ANN)).json()
    assert once_more["version"] == left["version"]
    assert await cart_of(api, BOB) == {}


async def test_only_what_is_sold_comes_into_a_cart(api) -> None:
    for product in (GONE, uuid4()):
        answer = await api.put(f"/cart/lines/{product}", json={"quantity": 1}, token=ANN)
        assert (answer.status, answer.json()["code"]) == (422, "not_for_sale")
    for quantity in (0, 100, "2"):
        answer = await api.put(f"/cart/lines/{CUP}", json={"quantity": quantity}, token=ANN)
        assert answer.status == 422
    assert (await api.get("/cart")).status == 401
    assert await cart_of(api) == {}


async def test_a_cart_without_a_catalog_is_shown_without_prices(api, others) -> None:
    await put(api, CUP, 2)
    others.catalog_away = True
    cart = (await api.get("/cart", token=ANN)).json()
    assert (cart["degraded"], cart["total_minor"]) == (["catalog"], None)
    assert cart["lines"][0] | {"product_id": ""} == {
        "product_id": "",
        "quantity": 2,
        "name": None,
        "unit_price_minor": None,
        "available": True,
    }
    answer = await api.put(f"/cart/lines/{KETTLE}", json={"quantity": 1}, token=ANN)
    assert answer.status == 503


async def test_a_checkout_orders_the_cart_and_empties_it(api, others) -> None:
    await put(api, CUP, 2)
    answer = await check_out(api)
    assert answer.status == 201, answer.body
    order = answer.json()
    assert answer.headers["location"] == f"/orders/{order['id']}"
    assert order["items"] == [{"product_id": str(CUP), "quantity": 2}]
    assert await cart_of(api) == {}
    replayed = await check_out(api)
    assert (replayed.status, replayed.json()["id"]) == (201, order["id"])
    assert replayed.headers["idempotency-replayed"] == "true"
    empty = await check_out(api, "k2")
    assert (empty.status, empty.json()["code"]) == (409, "cart_empty")
    without_key = await api.post("/cart/checkout", json=CARD, token=ANN)
    assert without_key.status == 400


async def test_a_lost_answer_is_found_again_by_any_key_and_no_second_order_is_made(
    api, others
) -> None:
    await put(api, CUP, 2)
    others.script = ["lost"]
    assert (await check_out(api)).status == 503
    assert await cart_of(api) == {"Cup": 2}
    found = await check_out(api, "another key")
    assert found.status == 201
    assert len(others.orders) == 1
    assert await cart_of(api) == {}


async def test_another_card_after_a_lost_answer_makes_no_second_order(api, others) -> None:
    await put(api, CUP, 2)
    others.script = ["lost"]
    await check_out(api)
    answer = await check_out(api, "k2", payment_token="tok_other")
    assert (answer.status, answer.json()["code"]) == (409, "already_ordered")
    assert len(others.orders) == 1
    assert await cart_of(api) == {}


async def test_a_final_refusal_lets_the_same_cart_be_tried_as_a_new_order(api, others) -> None:
    await put(api, CUP, 2)
    others.script = ["short"]
    answer = await check_out(api)
    assert (answer.status, answer.json()["code"]) == (409, "out_of_stock")
    assert await cart_of(api) == {"Cup": 2}
    assert (await check_out(api, "k2")).status == 201
    assert len(others.orders) == 1


async def test_what_is_put_in_while_an_order_is_under_way_stays(api, others) -> None:
    await put(api, CUP, 2)
    others.script = ["lost"]
    await check_out(api)
    await put(api, CUP, 3)
    await put(api, KETTLE, 1)
    assert (await check_out(api)).status == 201
    assert await cart_of(api) == {"Cup": 1, "Kettle": 1}
    assert (await check_out(api)).status == 201  # heard again: nothing is taken twice
    assert await cart_of(api) == {"Cup": 1, "Kettle": 1}


async def test_twenty_checkouts_at_once_make_one_order(api, others) -> None:
    await put(api, CUP, 2)
    answers = await asyncio.gather(*(check_out(api, f"key {n % 3}") for n in range(20)))
    assert {answer.status for answer in answers} <= {201, 409}
    assert len(others.orders) == 1
    assert await cart_of(api) == {}


async def test_a_cart_takes_fifty_products_and_no_more(api, look) -> None:
    await put(api, CUP, 1)
    async with look() as connection:
        await connection.execute(
            "INSERT INTO cart_lines (cart_id, product_id, quantity) "
            "SELECT id, gen_random_uuid(), 1 FROM carts, generate_series(1, 49)"
        )
    answer = await api.put(f"/cart/lines/{KETTLE}", json={"quantity": 1}, token=ANN)
    assert (answer.status, answer.json()["code"]) == (409, "cart_full")
    assert (await api.put(f"/cart/lines/{CUP}", json={"quantity": 9}, token=ANN)).status == 200


async def test_a_second_start_finds_its_tables(applied_by_two_starts) -> None:
    urls = {"CATALOG_URL": "http://catalog", "ORDERS_URL": "http://orders"}
    applied = await applied_by_two_starts(PART, **urls)
    assert [migration for migration in applied if migration[0] == "cart"] == [("cart", 1)]


def test_what_the_environment_lacks_is_said_at_the_start(database_url) -> None:
    from tarmac_kit import SettingsError  # noqa: PLC0415 - as the test's subject

    with pytest.raises(SettingsError) as caught:
        create_app([PART], {"DATABASE_URL": database_url})
    missing = " ".join(caught.value.lines)
    for name in ("CATALOG_URL", "ORDERS_URL", "JWKS_URL", "JWT_ISSUER", "JWT_AUDIENCE"):
        assert name in missing
