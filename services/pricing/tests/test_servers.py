"""Pricing on a real PostgreSQL and Valkey: rules, a cache that may go, quotes and price lists."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tarmac_kit_testing import issue_token
from tarmac_pricing.app import PART

pytestmark = pytest.mark.servers

STAFF = issue_token("sam", roles=["staff"])


@pytest.fixture
async def api(start):
    return await start(PART, PRICE_LIST_ATTEMPTS="2")


@pytest.fixture
async def replicas(start, valkey, monkeypatch):
    """Give two processes over one database and one Redis."""
    # On a busy machine a cache that is given up after its usual quarter second proves nothing.
    monkeypatch.setattr("tarmac_kit.cache.TIMEOUT_S", 10.0)
    url = f"redis://svc:secret@127.0.0.1:{valkey.port}/0"
    return [await start(PART, SERVICE_NAME="svc", REDIS_URL=url) for _ in range(2)]


async def put(api, **rule):
    answer = await api.post("/rules", json=rule, token=STAFF)
    assert answer.status == 201, answer.body
    return answer.json()


def list_price(product: UUID, minor: int = 1000, **other) -> dict:
    named = {"name": f"thing {str(product)[:4]}", "currency": "EUR", **other}
    return {"kind": "list", "product_id": str(product), "price_minor": minor, **named}


def loads(*apis) -> float:
    values = (
        api.app.chassis.metrics.registry.get_sample_value(
            "pricing_rule_loads_total", {"service": "svc"}
        )
        for api in apis
    )
    return sum(value or 0 for value in values)


async def unit(api, product: UUID, **asked) -> int:
    answer = await api.get(f"/prices/{product}", params=asked)
    assert answer.status == 200, answer.body
    return answer.json()["price_minor"]


async def test_a_price_says_by_which_rules_it_came_to_be(api) -> None:
    cup = uuid4()
    listed = await put(api, **list_price(cup))
    bulk = await put(api, kind="volume", product_id=str(cup), min_quantity=10, percent_off_bp=750)
    answer = await api.get(f"/prices/{cup}", params={"quantity": 10, "tier": "gold"})
    assert answer.json() == {
        "product_id": str(cup),
        "name": listed["name"],
        "quantity": 10,
        "list_price_minor": 1000,
        "price_minor": 925,
        "total_minor": 9250,
        "currency": "EUR",
        "rules": [
            {"id": listed["id"], "kind": "list", "price_minor": 1000},
            {"id": bulk["id"], "kind": "volume", "price_minor": 925},
        ],
        "cached": False,
        "degraded": [],
    }
    unknown = await api.get(f"/prices/{uuid4()}")
    assert (unknown.status, unknown.json()["code"]) == (404, "price_unknown")


async def test_a_rule_for_all_products_and_a_dated_one_bear_on_each(api) -> None:
    cup, begins = uuid4(), datetime.now(UTC) + timedelta(days=7)
    await put(api, **list_price(cup))
    await put(api, kind="tier", tier="gold", percent_off_bp=500)
    await put(api, kind="dated", valid_from=begins.isoformat(), percent_off_bp=3000)
    assert [await unit(api, cup, tier=tier) for tier in ("gold", "silver")] == [950, 1000]
    assert await unit(api, cup, tier="gold", at=begins.isoformat()) == 700


async def test_a_rule_with_the_same_conditions_takes_the_place_of_the_old_one(api) -> None:
    cup = uuid4()
    first, second = await put(api, **list_price(cup)), await put(api, **list_price(cup, 1100))
    assert first["id"] == second["id"]
    shown = await api.get("/rules", params={"product_id": str(cup)}, token=STAFF)
    assert shown.json() == {"rules": [second]}
    assert (await api.delete(f"/rules/{second['id']}", token=STAFF)).status == 204
    assert (await api.delete(f"/rules/{second['id']}", token=STAFF)).status == 404
    assert (await api.get(f"/prices/{cup}")).status == 404


async def test_only_staff_may_edit(api) -> None:
    rule = list_price(uuid4())
    calls = [
        ("POST", "/rules", rule),
        ("GET", "/rules", None),
        ("DELETE", f"/rules/{uuid4()}", None),
        ("POST", "/price-lists", {"name": "spring", "rules": [rule]}),
    ]
    for token, status in ((None, 401), (issue_token("ada"), 403)):
        for method, path, body in calls:
            assert (await api.request(method, path, json=body, token=token)).status == status


@pytest.mark.parametrize(
    "wrong",
    [
        {"price_minor": -1},
        {"price_minor": None, "currency": None},
        {"percent_off_bp": 100},
        {"currency": None},
        {"name": None},
        {"name": "a\nb"},
        {"tier": "gold"},
        {"kind": "volume", "name": None},
        {"kind": "tier", "name": None},
        {"kind": "dated", "name": None},
        {"kind": "tier", "tier": "gold"},
        {"valid_from": "2026-01-01T00:00:00"},
        {"valid_from": "0001-01-01T00:00:00+23:00"},
        {"valid_from": "2026-01-02T00:00:00Z", "valid_to": "2026-01-01T00:00:00Z"},
    ],
)
async def test_a_rule_that_contradicts_itself_is_422(api, wrong) -> None:
    answer = await api.post("/rules", json={**list_price(uuid4()), **wrong}, token=STAFF)
    assert answer.status == 422, answer.body


async def test_many_prices_at_once_have_the_form_that_orders_know(api) -> None:
    cup, gone = uuid4(), uuid4()
    named = await put(api, **list_price(cup, 700))
    past = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    await put(api, **list_price(gone, 300, valid_to=past))
    wanted = {"product_ids": [str(gone), str(uuid4()), str(cup)]}
    found = {p["product_id"]: p for p in (await api.post("/prices", json=wanted)).json()["prices"]}
    assert found.pop(str(cup)) == {
        "product_id": str(cup),
        "name": named["name"],
        "price_minor": 700,
        "currency": "EUR",
        "active": True,
    }
    assert [price["active"] for price in found.values()] == [False]
    assert (await api.get("/prices")).json()["prices"][0]["product_id"] == str(cup)


async def test_pages_hold_each_product_once(api) -> None:
    products = sorted([uuid4() for _ in range(5)])
    for product in products:
        await put(api, **list_price(product))
    seen, after = [], {}
    while after is not None:
        page = (await api.get("/prices", params={"limit": 2, **after})).json()
        seen += [price["product_id"] for price in page["prices"]]
        after = {"after": page["next"]} if page["next"] else None
    assert seen == [*map(str, products)]


async def test_the_second_look_up_is_a_hit_also_in_the_other_replica(replicas, valkey) -> None:
    here, there = replicas
    cup = uuid4()
    await put(here, **list_price(cup))
    shown = [(await api.get(f"/prices/{cup}")).json()["cached"] for api in (here, here, there)]
    assert shown == [False, True, True]
    assert loads(here, there) == 1
    # Another quantity and tier are priced by the same entry, and a dated rule begins on time.
    assert (await there.get(f"/prices/{cup}?quantity=50&tier=gold")).json()["cached"] is True
    client = here.app.chassis._caches["REDIS_URL"]._client
    assert 0 < await client.ttl(f"svc:rules:{cup}") <= 60


async def test_an_edit_reaches_every_replica_whichever_products_it_bears_on(replicas) -> None:
    here, there = replicas
    cup, pot = uuid4(), uuid4()
    for product in (cup, pot):
        await put(here, **list_price(product))
        assert await unit(there, product) == 1000
    await put(here, **list_price(cup, 1200))
    assert [await unit(there, cup), await unit(there, pot)] == [1200, 1000]
    assert (await there.get(f"/prices/{pot}")).json()["cached"] is True
    everywhere = await put(there, kind="tier", tier="gold", percent_off_bp=5000)
    assert [await unit(here, product_id, tier="gold") for product_id in (cup, pot)] == [600, 500]
    await there.delete(f"/rules/{everywhere['id']}", token=STAFF)
    assert await unit(here, pot, tier="gold") == 1000


async def test_a_stampede_over_two_replicas_reads_the_database_once(replicas) -> None:
    cup = uuid4()
    await put(replicas[0], **list_price(cup))
    before = loads(*replicas)
    shown = await asyncio.gather(
        *(replicas[n % 2].get(f"/prices/{cup}", params={"quantity": n + 1}) for n in range(40))
    )
    assert {answer.json()["price_minor"] for answer in shown} == {1000}
    assert loads(*replicas) == before + 1


async def test_without_redis_prices_are_right_and_say_that_something_is_missing(
    replicas, valkey
) -> None:
    here, _there = replicas
    cup = uuid4()
    await put(here, **list_price(cup))
    await unit(here, cup)
    await asyncio.to_thread(valkey.kill)
    answer = (await here.get(f"/prices/{cup}")).json()
    assert (answer["price_minor"], answer["cached"], answer["degraded"]) == (1000, False, ["cache"])
    await put(here, **list_price(cup, 1300))
    assert await unit(here, cup) == 1300
    ready = await here.get("/health/ready")
    assert ready.status == 200, "a cache is not required"


async def test_a_quote_keeps_its_prices_while_they_change(api) -> None:
    cup, pot = uuid4(), uuid4()
    await put(api, **list_price(cup))
    await put(api, **list_price(pot, 250))
    lines = [{"product_id": str(cup), "quantity": 2}, {"product_id": str(pot), "quantity": 1}]
    made = await api.post("/quotes", json={"lines": lines})
    assert made.status == 201, made.body
    quote = made.json()
    assert (quote["state"], quote["total_minor"], quote["currency"]) == ("open", 2250, "EUR")
    assert made.headers["location"] == f"/quotes/{quote['id']}"
    await put(api, **list_price(cup, 9999))
    assert (await api.get(f"/quotes/{quote['id']}")).json() == quote
    unpriced = {"lines": [*lines, {"product_id": str(uuid4()), "quantity": 1}]}
    refused = await api.post("/quotes", json=unpriced)
    assert (refused.status, refused.json()["code"]) == (422, "not_priced")


async def quoted(api, **other) -> str:
    cup = uuid4()
    await put(api, **list_price(cup))
    lines = [{"product_id": str(cup), "quantity": 1}]
    return f"/quotes/{(await api.post('/quotes', json={'lines': lines})).json()['id']}"


async def test_a_quote_is_accepted_once_for_one_buyer(api) -> None:
    quote, buyers = await quoted(api), [str(uuid4()) for _ in range(10)]
    answers = await asyncio.gather(
        *(api.post(f"{quote}/accept", json={"reference": buyer}) for buyer in buyers)
    )
    assert sorted(answer.status for answer in answers) == [200] + [409] * 9
    (won,) = (answer.json() for answer in answers if answer.status == 200)
    again = await api.post(f"{quote}/accept", json={"reference": won["reference"]})
    assert (again.status, again.json()) == (200, won)
    assert {a.json()["code"] for a in answers if a.status == 409} == {"quote_accepted"}


async def test_a_quote_given_back_or_over_cannot_be_accepted(api, start, look) -> None:
    released, over = await quoted(api), await quoted(api)
    for _ in range(2):
        assert (await api.post(f"{released}/release")).json()["state"] == "released"
    async with look() as connection:
        await connection.execute(
            "UPDATE quotes SET expires_at = now() WHERE id = $1", UUID(over.split("/")[-1])
        )
    assert (await api.get(over)).json()["state"] == "expired"
    for quote, code in ((released, "quote_released"), (over, "quote_expired")):
        refused = await api.post(f"{quote}/accept", json={"reference": str(uuid4())})
        assert (refused.status, refused.json()["code"]) == (409, code)
    missing = f"/quotes/{uuid4()}"
    assert (await api.get(missing)).status == 404
    assert (await api.post(f"{missing}/release")).status == 404


async def job_at_end(api, location: str) -> dict:
    async with asyncio.timeout(60):
        while True:
            job = (await api.get(location)).json()
            if job["state"] in ("done", "parked"):
                return job
            await asyncio.sleep(0.02)


async def test_a_price_list_is_accepted_at_once_and_taken_over_by_a_job(replicas) -> None:
    here, there = replicas
    products = [uuid4() for _ in range(20)]
    await put(here, **list_price(products[0], 9))
    assert await unit(there, products[0]) == 9
    rules = [list_price(product, 100 + n) for n, product in enumerate(products)]
    rules.append({"kind": "volume", "min_quantity": 5, "percent_off_bp": 1000})
    sent = await here.post("/price-lists", json={"name": "spring", "rules": rules}, token=STAFF)
    assert sent.status == 202, sent.body
    assert sent.headers["location"] == f"/jobs/{sent.json()['id']}"
    job = await job_at_end(there, sent.headers["location"])
    assert (job["state"], job["result"]) == ("done", {"rules": 21})
    assert [await unit(there, product_id) for product_id in products] == [
        100 + n for n in range(20)
    ]
    assert await unit(there, products[0], quantity=5) == 90


async def test_a_price_list_about_an_unlisted_product_is_tried_again_then_parked_whole(api) -> None:
    cup, unlisted = uuid4(), uuid4()
    rules = [
        list_price(cup),
        {"kind": "tier", "tier": "x", "product_id": str(unlisted), "percent_off_bp": 1},
    ]
    sent = await api.post("/price-lists", json={"name": "bad", "rules": rules}, token=STAFF)
    job = await job_at_end(api, sent.headers["location"])
    assert (job["state"], job["attempts"]) == ("parked", 2)
    assert str(unlisted) in job["error"]
    assert (await api.get(f"/prices/{cup}")).status == 404, "all rules or none"


async def test_a_price_list_with_two_rules_for_one_condition_is_422(api) -> None:
    rule = list_price(uuid4())
    body = {"name": "twice", "rules": [rule, {**rule, "price_minor": 5}]}
    assert (await api.post("/price-lists", json=body, token=STAFF)).status == 422
    assert (await api.get(f"/jobs/{uuid4()}")).status == 404


async def test_old_quotes_that_nobody_accepted_are_deleted(api, start, look) -> None:
    quotes = [await quoted(api) for _ in range(3)]
    await api.post(f"{quotes[0]}/accept", json={"reference": str(uuid4())})
    async with look() as connection:
        await connection.execute("UPDATE quotes SET expires_at = now() - interval '2 days'")
    fresh = await quoted(api)
    other = await start(PART)
    async with asyncio.timeout(60):
        while [(await other.get(quote)).status for quote in quotes[1:]] != [404, 404]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert [(await other.get(path)).status for path in (quotes[0], fresh)] == [200, 200]
    async with look() as connection:
        assert await connection.fetchval("SELECT count(*) FROM quotes") == 2


async def test_a_second_start_on_the_same_database_changes_nothing(applied_by_two_starts) -> None:
    applied = await applied_by_two_starts(PART)
    assert [migration for migration in applied if migration[0] == "pricing"] == [("pricing", 1)]
