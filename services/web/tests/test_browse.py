"""The pages of what is sold, and what they do when the API does less than all."""

from __future__ import annotations

import asyncio

import pytest
from visiting import KETTLE, THROW, problem, product, shop_api

from tarmac_kit.client import TransportError
from tarmac_kit_testing import json_response


async def test_the_first_page_shows_categories_and_what_is_new(browse):
    browser = await browse(SITE_NAME="Corner shop", TAGLINE="Open late")
    shown = await browser.get("/")
    assert shown.status == 200
    for text in ("Corner shop", "Open late", "Kitchen", "Copper kettle", "€119.00"):
        assert text in shown.text
    (asked,) = browser.asked("GET", "/api/products")
    assert "sort=newest" in asked.url


async def test_a_name_from_the_api_is_escaped(browse):
    api = shop_api()
    evil = product(KETTLE, "<script>alert(1)</script>", 100, description='"><img src=x>')
    api.answers[f"GET /api/products/{KETTLE}"] = json_response(200, evil)
    shown = await (await browse(api)).get(f"/products/{KETTLE}")
    assert "<script>alert" not in shown.text
    assert "<img" not in shown.text
    assert "&lt;script&gt;" in shown.text


async def test_a_search_asks_the_api_and_keeps_the_words(browse):
    browser = await browse()
    shown = await browser.get("/products?q=kettle&sort=price&category=kitchen")
    (asked,) = browser.asked("GET", "/api/products")
    assert all(part in asked.url for part in ("q=kettle", "sort=price", "category=kitchen"))
    assert 'value="kettle"' in shown.text


async def test_a_search_without_a_hit_says_so(browse):
    api = shop_api()
    api.answers["GET /api/products"] = json_response(200, {"items": [], "next_cursor": None})
    shown = await (await browse(api)).get("/products?q=zeppelin")
    assert shown.status == 200
    assert "Nothing here is called “zeppelin”" in shown.text


async def test_a_longer_list_goes_on_with_its_cursor(browse):
    api = shop_api()
    api.answers["GET /api/products"] = json_response(
        200, {"items": [product(KETTLE, "Kettle", 1)], "next_cursor": "abc+/"}
    )
    shown = await (await browse(api)).get("/products?sort=price")
    assert "/products?sort=price&amp;cursor=abc%2B%2F" in shown.text


@pytest.mark.parametrize("query", ["category=No%20Such", "cursor=bad"])
async def test_what_the_api_refuses_to_list_is_not_found(browse, query):
    api = shop_api()
    api.answers["GET /api/products"] = problem(422, "invalid_request")
    shown = await (await browse(api)).get(f"/products?{query}")
    assert shown.status == 404
    assert "There is nothing here" in shown.text


async def test_a_product_says_how_many_are_left(browse):
    browser = await browse()
    assert "In stock" in (await browser.get(f"/products/{KETTLE}")).text
    assert "Only 3 left" in (await browser.get(f"/products/{THROW}")).text


async def test_what_is_sold_out_cannot_be_put_into_the_cart(browse):
    api = shop_api()
    api.answers[f"GET /api/products/{KETTLE}/stock"] = json_response(200, {"available": 0})
    shown = await (await browse(api)).get(f"/products/{KETTLE}")
    assert "Sold out for now" in shown.text
    assert 'action="/cart"' not in shown.text


async def test_a_product_is_shown_while_the_stock_cannot_be_asked(browse):
    api = shop_api()
    api.answers[f"GET /api/products/{KETTLE}/stock"] = TransportError("away")
    shown = await (await browse(api)).get(f"/products/{KETTLE}")
    assert shown.status == 200
    assert "checked when you order" in shown.text
    assert 'action="/cart"' in shown.text


async def test_the_first_page_is_shown_without_categories(browse):
    api = shop_api()
    api.answers["GET /api/products/categories"] = TransportError("away")
    shown = await (await browse(api)).get("/")
    assert shown.status == 200
    assert "By room" not in shown.text


@pytest.mark.parametrize("product_id", ["no-such", "..%2F..%2Fusers%2Fme", "%00"])
async def test_an_unknown_product_is_a_page_that_says_so(browse, product_id):
    shown = await (await browse()).get(f"/products/{product_id}")
    assert shown.status == 404
    assert "There is no such product" in shown.text or "not here" in shown.text


async def test_an_api_that_is_away_is_a_page_with_a_way_on(browse):
    api = shop_api()
    api.answers["GET /api/products"] = TransportError("away")
    shown = await (await browse(api)).get("/products?q=kettle")
    assert shown.status == 503
    assert shown.header("retry-after")
    assert 'http-equiv="refresh"' in shown.text
    assert 'href="/products?q=kettle">Try again' in shown.text


async def test_too_many_requests_are_said_in_words(browse):
    api = shop_api()
    api.answers["GET /api/products"] = problem(429, "rate_limited")
    shown = await (await browse(api)).get("/products")
    assert shown.status == 429
    assert "One moment, please" in shown.text


async def test_an_answer_that_breaks_the_rules_is_an_error_page_without_details(browse):
    api = shop_api()
    api.answers["GET /api/products"] = json_response(200, {"items": [{"id": "half"}]})
    browser = await browse(api)
    shown = await browser.get("/products")
    assert shown.status == 500
    assert "Something went wrong on our side" in shown.text
    assert "Traceback" not in shown.text


async def test_pages_at_the_same_moment_share_one_question(browse, monkeypatch):
    browser = await browse()
    monkeypatch.setattr("tarmac_web.api.KEEP_S", 60.0)
    await asyncio.gather(*(browser.get(f"/products/{KETTLE}") for _ in range(5)))
    assert len(browser.asked("GET", f"/api/products/{KETTLE}")) == 1


async def test_a_failure_is_not_kept(browse, monkeypatch):
    api = shop_api()
    good = api.answers["GET /api/products"]
    api.answers["GET /api/products"] = [problem(500, "crash"), problem(500, "crash"), good]
    browser = await browse(api)
    monkeypatch.setattr("tarmac_web.api.KEEP_S", 60.0)
    statuses = [(await browser.get("/products")).status for _ in range(3)]
    assert statuses == [500, 500, 200]


async def test_trips_are_shown_as_places(browse):
    api = shop_api()
    trip = product(KETTLE, "Sailing the Kornati", 128000, category="coast")
    api.answers[f"GET /api/products/{KETTLE}"] = json_response(200, trip)
    shown = await (await browse(api, THEME="voyage")).get(f"/products/{KETTLE}")
    assert "#island" in shown.text
    assert "Travellers" in shown.text
