"""Offers over two services that may be slow, broken or gone."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from tarmac_kit import deadline
from tarmac_kit.client import TransportError
from tarmac_kit_testing import json_response


@pytest.fixture
async def api(start_offers):
    return await start_offers()


async def sample(api, metric: str, **labels: str) -> float | None:
    found = api.app.chassis.metrics.registry.get_sample_value(
        metric, {"service": "offers", **labels}
    )
    return None if found is None else float(found)


async def test_one_call_gives_stock_and_price_of_a_product(api, behind) -> None:
    cup = behind.sell(minor=450, stock=7)
    answer = await api.get(f"/offers/{cup}", params={"quantity": 3})
    assert answer.json() == {
        "product_id": str(cup),
        "name": "cup",
        "quantity": 3,
        "tier": None,
        "available": 7,
        "price_minor": 450,
        "total_minor": 1350,
        "currency": "EUR",
        "can_buy": True,
        "degraded": [],
    }
    assert (await api.get(f"/offers/{cup}?quantity=8")).json()["can_buy"] is False


async def test_both_services_are_asked_at_the_same_time(start_offers, behind) -> None:
    cup = behind.sell()
    both = asyncio.Barrier(2)
    whole = behind.__call__

    async def waits_for_the_other(request):
        await asyncio.wait_for(both.wait(), 5)
        return await whole(request)

    api = await start_offers()
    for client in api.app.chassis._clients.values():
        client._transport = waits_for_the_other
    assert (await api.get(f"/offers/{cup}")).json()["degraded"] == []


@pytest.mark.parametrize(
    ("away", "empty", "there"),
    [
        ("pricing", ("name", "price_minor", "total_minor", "can_buy"), {"available": 7}),
        ("inventory", ("available", "can_buy"), {"price_minor": 450, "name": "cup"}),
    ],
)
async def test_half_an_offer_is_better_than_none(api, behind, away, empty, there) -> None:
    cup = behind.sell(minor=450, stock=7)
    behind.away = {away}
    answer = await api.get(f"/offers/{cup}")
    assert answer.status == 200
    offer = answer.json()
    assert offer["degraded"] == [away]
    assert {offer[name] for name in empty} == {None}
    assert offer.items() >= there.items()
    (other,) = (await api.post("/offers", json={"product_ids": [str(cup)]})).json()["offers"]
    assert other == offer


async def test_without_either_service_there_is_no_offer(api, behind) -> None:
    behind.away = {"inventory", "pricing"}
    answer = await api.get(f"/offers/{uuid4()}")
    assert (answer.status, answer.json()["code"]) == (503, "offers_unavailable")
    assert answer.headers["retry-after"] == "1"
    assert (await api.get("/offers")).status == 503


async def test_what_nobody_knows_is_404_and_left_out_of_a_batch(api, behind) -> None:
    cup, unknown = behind.sell(), uuid4()
    assert (await api.get(f"/offers/{unknown}")).status == 404
    both = {"product_ids": [str(unknown), str(cup), str(cup)]}
    found = (await api.post("/offers", json=both)).json()["offers"]
    assert [offer["product_id"] for offer in found] == [str(cup)]


async def test_what_has_stock_and_no_price_or_is_no_longer_sold_cannot_be_bought(
    api, behind
) -> None:
    unpriced, gone = behind.sell(), behind.sell(minor=-300)
    del behind.prices[str(unpriced)]
    offer = (await api.get(f"/offers/{unpriced}")).json()
    assert (offer["available"], offer["price_minor"], offer["can_buy"]) == (10, None, False)
    wanted = {"product_ids": [str(gone)]}
    (offer,) = (await api.post("/offers", json=wanted)).json()["offers"]
    assert (offer["name"], offer["price_minor"], offer["can_buy"]) == ("cup", None, False)


async def test_what_was_never_counted_has_no_stock(api, behind) -> None:
    cup = behind.sell()
    del behind.stock[str(cup)]
    offer = (await api.get(f"/offers/{cup}")).json()
    assert (offer["available"], offer["can_buy"], offer["degraded"]) == (0, False, [])


async def test_pages_hold_every_product_once_also_without_the_inventory(api, behind) -> None:
    sold = sorted(str(behind.sell()) for _ in range(5))
    seen, after = [], None
    while after is not None or not seen:
        page = (
            await api.get("/offers", params={"limit": 2, **({"after": after} if after else {})})
        ).json()
        seen += [offer["product_id"] for offer in page["offers"]]
        after = page["next"]
    assert seen == sold
    behind.away = {"inventory"}
    page = (await api.get("/offers")).json()
    assert {tuple(offer["degraded"]) for offer in page["offers"]} == {("inventory",)}
    behind.prices.clear()
    assert (await api.get("/offers")).json() == {"offers": [], "next": None}


@pytest.mark.parametrize("call", ["POST /stock-levels", "GET /prices"])
async def test_one_503_is_hidden_and_counted_as_a_retry(api, behind, call) -> None:
    cup = behind.sell()
    behind.instead = {call: [json_response(503, {})]}
    assert (await api.get(f"/offers/{cup}")).json()["degraded"] == []
    role = "pricing" if "prices" in call else "inventory"
    assert await sample(api, "client_retries_total", role=role, result="made") == 1


async def test_retries_are_bounded_and_the_budget_is_a_share_of_the_calls(api, behind) -> None:
    cup = behind.sell()
    behind.instead = {"GET /prices": [json_response(503, {})] * 2}
    assert (await api.get(f"/offers/{cup}")).json()["degraded"] == ["pricing"]
    assert sum(call.startswith("GET /prices") for call in behind.asked) == 2


@pytest.mark.parametrize("odd", [json_response(500, {}), json_response(404, {}), TimeoutError()])
async def test_an_answer_that_means_nothing_is_no_answer(api, behind, odd) -> None:
    cup = behind.sell()
    behind.instead = {"GET /prices": [odd]}
    offer = (await api.get(f"/offers/{cup}")).json()
    assert (offer["degraded"], offer["available"]) == (["pricing"], 10)


async def test_the_breaker_opens_is_shown_and_spares_the_service_that_is_down(api, behind) -> None:
    cup = behind.sell()
    assert await sample(api, "client_breaker_state", role="pricing") == 0
    behind.instead = {"GET /prices": [TransportError("refused")] * 100}
    for _ in range(5):
        assert (await api.get(f"/offers/{cup}")).json()["degraded"] == ["pricing"]
    assert await sample(api, "client_breaker_state", role="pricing") == 2
    assert await sample(api, "client_breaker_state", role="inventory") == 0
    asked = len(behind.asked)
    assert (await api.get(f"/offers/{cup}")).json()["degraded"] == ["pricing"]
    assert len(behind.asked) == asked + 1, "the inventory alone is asked"
    # Its rest is over: one attempt goes through, and closes it again.
    breaker = api.app.chassis._clients["pricing"]._breaker
    breaker._opened_at -= 60
    assert await sample(api, "client_breaker_state", role="pricing") == 1
    behind.instead.clear()
    assert (await api.get(f"/offers/{cup}")).json()["degraded"] == []
    assert await sample(api, "client_breaker_state", role="pricing") == 0


async def test_a_slow_service_costs_its_half_and_not_the_callers_deadline(
    start_offers, behind
) -> None:
    cup = behind.sell()
    api = await start_offers()
    left: list[float] = []

    async def late(_request):
        left.append(deadline.remaining_s())
        raise TimeoutError

    api.app.chassis._clients["pricing"]._transport = late
    answer = await api.get(f"/offers/{cup}", headers={"X-Request-Timeout-Ms": "5000"})
    assert answer.status == 200
    assert answer.json()["degraded"] == ["pricing"]
    assert 0 < left[0] <= 4.9, "a part is kept back for the answer"


async def test_without_a_database_there_are_no_purchases(api) -> None:
    assert (await api.post("/purchases", json={})).status == 404
    assert (await api.get("/health/ready")).status == 200
