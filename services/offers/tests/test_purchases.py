"""Purchases on a real PostgreSQL: each ends confirmed or with nothing held, whatever happens."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from tarmac_kit.client import TransportError
from tarmac_kit_testing import json_response
from tarmac_offers.app import PART
from tarmac_offers.repository import PurchaseRepository, State

pytestmark = pytest.mark.servers


@pytest.fixture
async def api(start_offers, database_url):
    return await start_offers(DATABASE_URL=database_url)


async def buy(api, *products, quantity: int = 2, key: str = "one", **other):
    lines = [{"product_id": str(product), "quantity": quantity} for product in products]
    body = {"customer": "ann", "lines": lines, **other}
    return await api.post("/purchases", json=body, headers={"Idempotency-Key": key})


async def ended(api, purchase_id: str):
    """Wait for the end of a purchase and return it."""
    async with asyncio.timeout(60):
        while True:
            shown = (await api.get(f"/purchases/{purchase_id}")).json()
            if shown["saga"] in ("done", "compensated"):
                return shown
            await asyncio.sleep(0.02)


def told(purchase) -> list[str]:
    return [f"{entry['step']} {entry['what']}" for entry in purchase["history"]]


def held_by(behind) -> tuple:
    return behind.held, behind.sold


async def test_a_purchase_binds_price_and_stock(api, behind) -> None:
    cup = behind.sell(minor=450, stock=5)
    bought = await buy(api, cup, tier="gold")
    assert bought.status == 201, bought.body
    purchase = bought.json()
    assert bought.headers["location"] == f"/purchases/{purchase['id']}"
    assert (purchase["state"], purchase["saga"]) == ("confirmed", "done")
    assert (purchase["total_minor"], purchase["currency"], purchase["tier"]) == (900, "EUR", "gold")
    (line,) = purchase["lines"]
    assert (line["name"], line["quantity"], line["price_minor"]) == ("cup", 2, 450)
    assert [entry for entry in told(purchase) if entry.endswith("done")] == [
        "quote done",
        "reserve done",
        "accept done",
        "commit done",
    ]
    assert behind.stock[str(cup)] == 3
    assert [*behind.sold] == [purchase["id"]]
    assert [*behind.quotes.values()] == ["accepted"]
    assert (await api.get(f"/purchases/{purchase['id']}")).json() == purchase


async def test_one_key_is_one_purchase_from_twenty_connections(api, behind) -> None:
    cup = behind.sell(stock=5)
    answers = await asyncio.gather(*(buy(api, cup, key="k") for _ in range(20)))
    assert {answer.status for answer in answers} <= {201, 202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 19
    assert (await ended(api, answers[0].json()["id"]))["state"] == "confirmed"
    assert behind.stock[str(cup)] == 3
    other = await buy(api, cup, key="k", quantity=1)
    assert (other.status, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_key_is_needed_and_a_strangers_purchase_is_not_found(api, behind) -> None:
    body = {"customer": "ann", "lines": [{"product_id": str(behind.sell()), "quantity": 1}]}
    missing = await api.post("/purchases", json=body)
    assert (missing.status, missing.json()["code"]) == (400, "idempotency_key_required")
    twice = {**body, "lines": body["lines"] * 2}
    assert (await api.post("/purchases", json=twice)).status == 422
    assert (await api.get(f"/purchases/{uuid4()}")).status == 404


async def test_what_is_short_is_refused_and_nothing_is_held(api, behind) -> None:
    cup, pot = behind.sell(stock=9), behind.sell(stock=1)
    refused = await buy(api, cup, pot)
    assert (refused.status, refused.json()["code"]) == (409, "out_of_stock")
    assert refused.json()["detail"] == f"{pot} wanted 2, available 1"
    purchase = await ended(api, refused.json()["purchase_id"])
    assert (purchase["state"], purchase["saga"]) == ("cancelled", "compensated")
    assert held_by(behind) == ({}, {})
    again = await buy(api, cup, pot)
    assert (again.status, again.headers["idempotency-replayed"]) == (409, "true")


async def test_what_has_no_price_is_refused(api, behind) -> None:
    refused = await buy(api, uuid4())
    assert (refused.status, refused.json()["code"]) == (409, "not_priced")


async def test_a_failure_in_the_last_step_leaves_the_stock_released_and_is_recorded(
    api, behind
) -> None:
    cup = behind.sell(stock=5)
    gone = json_response(409, {"code": "out_of_stock", "short": []})

    def fail() -> None:
        assert behind.stock[str(cup)] == 3, "it is held by now"
        assert [*behind.quotes.values()] == ["accepted"]

    behind.when = {"POST /reservations": fail}
    behind.instead = {"POST /reservations": [gone]}
    refused = await buy(api, cup)
    assert (refused.status, refused.json()["code"]) == (409, "out_of_stock")
    purchase = await ended(api, refused.json()["purchase_id"])
    assert (purchase["state"], purchase["saga"]) == ("cancelled", "compensated")
    assert told(purchase)[-5:] == [
        "commit refused",
        "commit undone",
        "accept undone",
        "reserve undone",
        "quote undone",
    ]
    assert behind.stock[str(cup)] == 5
    assert held_by(behind) == ({}, {})
    assert [*behind.quotes.values()] == ["released"]


@pytest.mark.parametrize("state", ["expired", "released"])
async def test_a_quote_that_is_over_cancels_the_purchase(api, behind, state) -> None:
    cup = behind.sell(stock=5)
    behind.when = {
        "PUT /reservations": lambda: behind.quotes.update(dict.fromkeys(behind.quotes, state))
    }
    refused = await buy(api, cup)
    assert (refused.status, refused.json()["code"]) == (409, f"quote_{state}")
    assert (await ended(api, refused.json()["purchase_id"]))["state"] == "cancelled"
    assert behind.stock[str(cup)] == 5


@pytest.mark.parametrize("call", ["POST /quotes", "PUT /reservations", "POST /reservations"])
async def test_a_service_that_is_away_for_a_moment_is_waited_for(api, behind, call) -> None:
    cup = behind.sell(stock=5)
    behind.instead = {call: [TransportError("refused")] * 3}
    accepted = await buy(api, cup)
    assert accepted.status == 202
    assert (accepted.json()["state"], accepted.json()["saga"]) == ("pending", "running")
    assert (await ended(api, accepted.json()["id"]))["state"] == "confirmed"
    assert behind.stock[str(cup)] == 3


async def test_a_sale_whose_answer_got_lost_is_taken_back_when_the_time_is_over(
    api, behind, look
) -> None:
    cup = behind.sell(stock=5)
    behind.lost = {"POST /reservations"}
    asked = asyncio.Event()
    behind.when = {"POST /reservations": asked.set}
    accepted = await buy(api, cup)
    assert accepted.status == 202
    async with asyncio.timeout(60):
        await asked.wait()
    # Sold, and nobody heard of it; an hour later the network is well again.
    assert behind.stock[str(cup)] == 3
    async with look() as rows:
        await rows.execute("update sagas set began_at = began_at - interval '1 hour'")
    behind.lost = set()
    purchase = await ended(api, accepted.json()["id"])
    assert (purchase["state"], purchase["reason"]) == ("cancelled", "too_late: its time is over")
    assert behind.stock[str(cup)] == 5
    assert held_by(behind) == ({}, {})


async def test_nobody_is_told_that_a_purchase_is_confirmed_which_may_still_be_undone(
    start_offers, behind, database_url, monkeypatch
) -> None:
    cup = behind.sell(stock=5)
    written = PurchaseRepository.end

    async def end(self, connection, purchase_id, state) -> None:
        await written(self, connection, purchase_id, state)
        if state is State.CONFIRMED:
            raise ConnectionError("the database went away with its answer")

    monkeypatch.setattr(PurchaseRepository, "end", end)
    api = await start_offers(DATABASE_URL=database_url, PURCHASE_DEADLINE_S="0.5")
    accepted = await buy(api, cup)
    assert (accepted.status, accepted.json()["state"]) == (202, "pending")
    assert (await buy(api, cup)).status in (202, 409)
    assert (await ended(api, accepted.json()["id"]))["state"] == "cancelled"
    assert behind.stock[str(cup)] == 5


@pytest.mark.parametrize(
    "call", ["POST /quotes", "PUT /reservations", "POST /quotes/", "POST /reservations"]
)
async def test_a_purchase_whose_process_died_goes_on_in_the_next_one(
    start_offers, behind, database_url, look, call
) -> None:
    cup = behind.sell(stock=5)

    class Died(BaseException):
        pass

    def die() -> None:
        raise Died

    first = await start_offers(DATABASE_URL=database_url)
    behind.when = {call: die}
    with pytest.raises(BaseException):  # noqa: B017, PT011 - the process's end, in any wrapping
        await buy(first, cup)
    await first.app.chassis.stop()
    async with look() as connection:
        # Its lease would end by itself, after seconds.
        await connection.execute("UPDATE jobs SET due_at = now() WHERE state = 'running'")
        (purchase_id,) = await connection.fetchrow("SELECT id FROM purchases")
    second = await start_offers(DATABASE_URL=database_url)
    assert (await ended(second, str(purchase_id)))["state"] == "confirmed"
    assert behind.stock[str(cup)] == 3
    assert [*behind.sold] == [str(purchase_id)]


async def test_a_second_start_on_the_same_database_changes_nothing(applied_by_two_starts) -> None:
    urls = {"INVENTORY_URL": "http://127.0.0.1:9", "PRICING_URL": "http://127.0.0.1:9"}
    applied = await applied_by_two_starts(PART, **urls)
    assert [migration for migration in applied if migration[0] == "offers"] == [("offers", 1)]
