"""The catalog on a real PostgreSQL and Valkey: browse, search, edit, and a cache that may go."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from tarmac_catalog.app import PART
from tarmac_kit import SettingsError, create_app
from tarmac_kit_testing import issue_token

pytestmark = pytest.mark.servers

STAFF = issue_token("sam", roles=["staff"])


@pytest.fixture
async def api(start):
    return await start(PART)


@pytest.fixture
async def cached(start, valkey):
    url = f"redis://svc:secret@127.0.0.1:{valkey.port}/0"
    return await start(PART, SERVICE_NAME="svc", REDIS_URL=url)


async def add(api, name: str, *, category: str = "kitchen", minor: int = 1000, text: str = ""):
    body = {"name": name, "category": category, "price_minor": minor, "description": text}
    answer = await api.post("/products", json=body, token=STAFF)
    assert answer.status == 201, answer.body
    return answer.json()


async def names(api, **params) -> list[str]:
    answer = await api.get("/products", params=params)
    assert answer.status == 200, answer.body
    return [item["name"] for item in answer.json()["items"]]


async def test_a_product_is_created_shown_listed_and_priced(api) -> None:
    made = await add(api, "Copper kettle", minor=4990, text="Boils water.")
    assert (made["currency"], made["version"], made["active"]) == ("EUR", 1, True)
    shown = await api.get(f"/products/{made['id']}")
    assert (shown.json(), shown.headers["x-cache"]) == (made, "miss")
    assert (await api.get("/products")).json() == {"items": [made], "next_cursor": None}
    prices = await api.post("/prices", json={"product_ids": [made["id"], str(uuid4())]})
    assert prices.json() == {
        "prices": [
            {
                "product_id": made["id"],
                "name": "Copper kettle",
                "price_minor": 4990,
                "currency": "EUR",
                "active": True,
            }
        ]
    }


@pytest.mark.parametrize(
    "broken",
    [
        {"name": ""},
        {"price_minor": 0},
        {"price_minor": "12.50"},
        {"price_minor": 9.5},
        {"category": "Not A Slug"},
        {"currency": "euro"},
        {"colour": "red"},
        {"name": "a\0b"},
        {"description": "a\0b"},
    ],
)
async def test_a_body_that_breaks_the_schema_is_422_with_the_place(api, broken) -> None:
    body = {"name": "Cup", "category": "kitchen", "price_minor": 100, **broken}
    answer = await api.post("/products", json=body, token=STAFF)
    assert answer.status == 422
    assert [error["loc"] for error in answer.json()["errors"]] == [["body", *broken]]


async def test_a_body_that_is_not_json_is_400(api) -> None:
    answer = await api.post(
        "/products", content=b"{", headers={"Content-Type": "application/json"}, token=STAFF
    )
    assert answer.status == 400


async def test_only_staff_may_write(api) -> None:
    made = await add(api, "Cup")
    path = f"/products/{made['id']}"
    for token, status in ((None, 401), (issue_token("ada"), 403)):
        for answer in (
            await api.post("/products", json={}, token=token),
            await api.patch(path, json={"version": 1}, token=token),
            await api.delete(path, token=token),
        ):
            assert answer.status == status
    assert (await api.get(path)).json() == made


async def test_search_finds_words_their_beginnings_and_their_stems(api) -> None:
    await add(api, "Chef's knife", text="For onions and herbs.")
    await add(api, "Copper kettle", text="Boils water for tea.")
    await add(api, "Tea towel", category="linen")
    assert await names(api, q="kni") == ["Chef's knife"]
    assert await names(api, q="boiling") == ["Copper kettle"]
    assert await names(api, q="TEA") == ["Copper kettle", "Tea towel"]
    assert await names(api, q="tea kett") == ["Copper kettle"]
    assert await names(api, q="tea", category="linen") == ["Tea towel"]
    assert await names(api, q="lin") == ["Tea towel"]
    assert await names(api, q="spade") == []
    assert await names(api, q="' | !( :*") == []


async def test_categories_count_what_can_be_bought(api) -> None:
    await add(api, "Cup")
    gone = await add(api, "Pot")
    await add(api, "Towel", category="linen")
    await api.delete(f"/products/{gone['id']}", token=STAFF)
    assert (await api.get("/products/categories")).json() == {
        "categories": [{"slug": "kitchen", "products": 1}, {"slug": "linen", "products": 1}]
    }


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", ["A", "B", "C", "D", "E"]),
        ("price", ["C", "E", "A", "D", "B"]),
        ("-price", ["B", "D", "A", "E", "C"]),
        ("newest", ["E", "D", "C", "B", "A"]),
    ],
)
async def test_pages_of_every_sort_hold_each_product_once(api, sort, expected) -> None:
    for name, minor in (("A", 300), ("B", 900), ("C", 100), ("D", 300), ("E", 100)):
        await add(api, name, minor=minor)
    seen: list[str] = []
    cursor = None
    while True:
        params = {"sort": sort, "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await api.get("/products", params=params)).json()
        seen += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
        if len(seen) == 2:
            # A product that comes in front of the cursor moves nothing on the next page.
            await add(api, "0", minor=1 if sort == "price" else 9999)
        if cursor is None:
            break
    prices = {"A": 300, "B": 900, "C": 100, "D": 300, "E": 100}
    if "price" in sort:  # products of one price are in the order of their random ids
        assert [prices[name] for name in seen] == [prices[name] for name in expected]
        assert sorted(seen) == sorted(expected)
    else:
        assert seen == expected


async def test_a_cursor_that_does_not_fit_is_a_400(api) -> None:
    for params in ({"cursor": "nonsense"}, {"cursor": "WyJuYW1lIiwiYSIsNV0", "sort": "price"}):
        answer = await api.get("/products", params=params)
        assert (answer.status, answer.json()["code"]) == (400, "bad_cursor")


async def test_a_query_that_no_category_or_version_can_match_is_422(api) -> None:
    assert (await api.get("/products?category=%00")).status == 422
    made = await add(api, "Cup")
    path = f"/products/{made['id']}"
    assert (await api.patch(path, json={"version": 2**40}, token=STAFF)).status == 422


async def test_of_two_editors_of_one_version_the_second_is_told(api) -> None:
    made = await add(api, "Cup", minor=100)
    path = f"/products/{made['id']}"
    first = await api.patch(path, json={"version": 1, "price_minor": 120}, token=STAFF)
    assert (first.status, first.json()["version"], first.json()["price_minor"]) == (200, 2, 120)
    second = await api.patch(path, json={"version": 1, "name": "Mug"}, token=STAFF)
    assert (second.status, second.json()["code"]) == (409, "version_conflict")
    assert second.json()["current_version"] == 2
    assert (await api.get(path)).json()["name"] == "Cup"


async def test_ten_editors_at_once_change_it_once(api) -> None:
    made = await add(api, "Cup")
    path = f"/products/{made['id']}"
    answers = await asyncio.gather(
        *(
            api.patch(path, json={"version": 1, "price_minor": 100 + n}, token=STAFF)
            for n in range(10)
        )
    )
    assert sorted(answer.status for answer in answers) == [200] + [409] * 9


async def test_an_archived_product_is_gone_from_the_shop_but_keeps_its_price(api) -> None:
    made = await add(api, "Cup")
    path = f"/products/{made['id']}"
    for _ in range(2):
        assert (await api.delete(path, token=STAFF)).status == 204
    assert (await api.get(path)).status == 404
    assert await names(api) == []
    prices = await api.post("/prices", json={"product_ids": [made["id"]]})
    assert prices.json()["prices"][0]["active"] is False
    back = await api.patch(path, json={"version": 2, "active": True}, token=STAFF)
    assert back.status == 200
    assert await names(api) == ["Cup"]


async def test_what_is_not_there_is_404(api) -> None:
    path = f"/products/{uuid4()}"
    assert (await api.get(path)).status == 404
    assert (await api.delete(path, token=STAFF)).status == 404
    assert (await api.patch(path, json={"version": 1}, token=STAFF)).status == 404


async def test_the_second_read_is_a_hit_and_a_write_makes_it_a_miss(cached) -> None:
    made = await add(cached, "Cup")
    path = f"/products/{made['id']}"
    first, second = await cached.get(path), await cached.get(path)
    assert [first.headers["x-cache"], second.headers["x-cache"]] == ["miss", "hit"]
    assert first.json() == second.json() == made
    await cached.patch(path, json={"version": 1, "price_minor": 5}, token=STAFF)
    third, fourth = await cached.get(path), await cached.get(path)
    assert [third.headers["x-cache"], fourth.headers["x-cache"]] == ["miss", "hit"]
    assert fourth.json()["price_minor"] == 5
    await cached.delete(path, token=STAFF)
    assert (await cached.get(path)).status == 404


async def test_without_its_cache_the_catalog_reads_the_database(cached, valkey) -> None:
    made = await add(cached, "Cup")
    path = f"/products/{made['id']}"
    await cached.get(path)
    valkey.kill()
    for _ in range(3):
        answer = await cached.get(path)
        assert (answer.status, answer.json()) == (200, made)
        assert answer.headers["x-cache"] == "miss"
    assert (await cached.patch(path, json={"version": 1}, token=STAFF)).status == 200
    assert (await cached.get("/health/ready")).status == 200


async def test_a_second_start_on_the_same_database_changes_nothing(applied_by_two_starts) -> None:
    assert await applied_by_two_starts(PART) == [("catalog", 1)]


def test_what_is_missing_in_the_environment_is_said_at_the_start() -> None:
    with pytest.raises(SettingsError) as caught:
        create_app([PART], {"SERVICE_NAME": "svc", "SHOP_CURRENCY": "euro"})
    said = "\n".join(caught.value.lines)
    for name in ("DATABASE_URL", "JWKS_URL", "JWT_ISSUER", "JWT_AUDIENCE", "SHOP_CURRENCY"):
        assert name in said
