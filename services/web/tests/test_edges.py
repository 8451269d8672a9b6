"""What is the same on every page: its policy, its files, its settings, and its error pages."""

from __future__ import annotations

import gzip
import re

import pytest
from visiting import KETTLE, SECRET, shop_api

from tarmac_kit import SettingsError, create_app
from tarmac_kit.client import TransportError
from tarmac_kit_testing import FakeTransport, json_response, running
from tarmac_web import assets
from tarmac_web.app import PART
from tarmac_web.art import _PLACES, _SHAPES, _THINGS, _VIEWS, PALETTES, drawing
from tarmac_web.export import export

PAGES = ["/", "/products", f"/products/{KETTLE}", "/cart", "/login", "/signup", "/no-such-page"]


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_has_the_policy_and_nothing_that_it_forbids(browse, path):
    shown = await (await browse()).get(path)
    policy = shown.header("content-security-policy")
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert shown.header("x-content-type-options") == "nosniff"
    assert shown.header("x-frame-options") == "DENY"
    assert "strict-transport-security" not in dict(shown.headers)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", shown.text)
    assert not re.search(r"<script(?![^>]*\ssrc=\"/static/)", shown.text)
    for address in re.findall(r'(?:src|href|action)="([^"]*)"', shown.text):
        assert address.startswith(("/", "#", "?")), "nothing is loaded from elsewhere"
        assert not address.startswith("//")


async def test_a_page_is_kept_by_nobody_and_a_file_for_ever(browse):
    browser = await browse()
    page = await browser.get("/")
    assert "no-store" in page.header("cache-control")
    (path,) = set(re.findall(r'href="(/static/site\.[0-9a-f]{12}\.css)"', page.text))
    sheet = await browser.get(path)
    assert "immutable" in sheet.header("cache-control")
    assert sheet.header("content-type").startswith("text/css")
    packed = await browser.get(path, **{"accept-encoding": "gzip, br"})
    assert packed.header("content-encoding") == "gzip"
    assert gzip.decompress(packed.body) == sheet.body
    assert len(packed.body) < 12_000


@pytest.mark.parametrize("name", ["site.000000000000.css", "tokens.css", "..%2Fapp.py", "x"])
async def test_a_file_that_is_not_ours_is_not_there(browse, name):
    assert (await (await browse()).get(f"/static/{name}")).status == 404


async def test_browsers_find_the_icon_and_robots_what_is_private(browse):
    browser = await browse()
    icon = await browser.get("/favicon.ico")
    assert (await browser.get(icon.place)).header("content-type") == "image/svg+xml"
    assert "Disallow: /orders" in (await browser.get("/robots.txt")).text


async def test_a_head_is_answered_as_a_get_would_be(browse):
    browser = await browse()
    assert (await browser.send("HEAD", "/products")).status == 200
    assert (await browser.send("DELETE", "/products")).status == 405


async def test_what_is_measured_is_for_who_asks_the_process_itself(browse):
    browser = await browse()
    assert "http_requests_total" in (await browser.get("/metrics")).text
    shown = await browser.get("/metrics", **{"x-forwarded-for": "203.0.113.9"})
    assert shown.status == 404
    assert "http_requests_total" not in shown.text
    assert shown.header("x-content-type-options") == "nosniff"


async def test_a_script_that_asks_gets_a_problem_document(browse):
    browser = await browse()
    shown = await browser.get("/no-such-page", accept="application/json")
    assert shown.status == 404
    assert shown.header("content-type") == "application/problem+json"
    browser.api.answers["GET /api/products"] = TransportError("away")
    shown = await browser.get("/products", accept="application/json")
    assert shown.status == 503
    assert b"upstream_unavailable" in shown.body


async def test_the_api_learns_the_visitors_address(browse):
    browser = await browse()
    await browser.get("/products")
    (asked,) = browser.asked("GET", "/api/products")
    assert asked.headers["X-Forwarded-For"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("1.2.3.4, 203.0.113.9, 10.0.0.5", "203.0.113.9"),
        ("1.2.3.4, nonsense", "127.0.0.1"),
        ("", "127.0.0.1"),
        ("10.0.0.7", "127.0.0.1"),
    ],
)
async def test_behind_our_own_proxies_it_is_what_they_say(browse, forwarded, address):
    browser = await browse(TRUSTED_PROXIES="127.0.0.0/8, 10.0.0.0/8")
    await browser.get("/products", **{"x-forwarded-for": forwarded})
    assert browser.asked("GET", "/api/products")[0].headers["X-Forwarded-For"] == address


async def test_a_visitor_cannot_say_another_address(browse):
    browser = await browse()
    await browser.get("/products", **{"x-forwarded-for": "203.0.113.9"})
    assert browser.asked("GET", "/api/products")[0].headers["X-Forwarded-For"] == "127.0.0.1"


async def test_an_api_of_several_addresses_is_asked_where_each_part_is():
    api = shop_api()
    api.answers = {name.replace("/api/", "/"): answer for name, answer in api.answers.items()}
    routes = "/products=http://catalog:1 /products/categories=http://categories:2 /=http://rest:3"
    environ = {"API_ROUTES": routes, "API_PREFIX": "/", "SESSION_SECRET": SECRET}
    app = create_app([PART], environ, transport=api)
    async with running(app) as client:
        assert (await client.get("/")).status == 200
    assert {request.url.split("?")[0] for request in api.requests} == {
        "http://catalog:1/products",
        "http://categories:2/products/categories",
    }


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({}, "SESSION_SECRET is not set"),
        ({"SESSION_SECRET": SECRET}, "API_URL is not set"),
        ({"SESSION_SECRET": "short", "API_URL": "http://a"}, "SESSION_SECRET is wrong"),
        ({"SESSION_SECRET": SECRET, "API_URL": "http://a", "PAGES": "forum"}, "PAGES is wrong"),
        ({"SESSION_SECRET": SECRET, "API_ROUTES": "orders"}, "API_ROUTES is wrong"),
        ({"SESSION_SECRET": SECRET, "API_URL": "http://a", "THEME": "neon"}, "THEME is wrong"),
    ],
)
def test_what_is_missing_or_wrong_is_a_line_at_start(environ, line):
    with pytest.raises(SettingsError) as caught:
        create_app([PART], environ, transport=FakeTransport())
    assert any(line in problem for problem in caught.value.lines), caught.value.lines
    assert SECRET not in str(caught.value)


async def test_a_shop_with_trading_has_both(browse):
    api = shop_api()
    api.answers["GET /api/market/instruments"] = json_response(200, {"items": []})
    browser = await browse(api, PAGES="shop,trading")
    assert "Nothing is listed yet" in (await browser.get("/")).text
    assert (await browser.get("/products")).status == 200


def test_every_drawing_that_a_word_leads_to_is_there_and_in_colours_that_are():
    found = assets.load()
    drawn = set(re.findall(r'<symbol id="([a-z-]+)"', found.by_name["things.svg"].body.decode()))
    named = {row[0] for row in (*_THINGS, *_PLACES)} | set(_SHAPES) | set(_VIEWS)
    assert named <= drawn, named - drawn
    assert all(0 <= row[1] < PALETTES for row in (*_THINGS, *_PLACES))
    assert drawing("Copper kettle, 1.7 l", "kitchen").symbol == "kettle"
    assert drawing("Zorb") == drawing("Zorb"), "the same each time"


def test_a_missing_file_is_an_error_of_whoever_names_it():
    with pytest.raises(KeyError):
        assets.load().path("nothing.css")


def test_the_api_document_has_what_scripts_ask_and_no_pages():
    environ = {"SESSION_SECRET": SECRET, "API_URL": "http://a", "PAGES": "shop,trading"}
    document = create_app([PART], environ, transport=FakeTransport()).api.openapi()
    assert set(document["paths"]) == {"/client-errors", "/live/quotes"}


async def test_what_is_exported_for_a_cdn_is_what_pages_ask_for(browse, tmp_path):
    written = {f"/{path.relative_to(tmp_path)}": path.read_bytes() for path in export(tmp_path)}
    site = await browse()
    page = await site.get("/")
    asked = set(re.findall(r'(?:href|src)="(/static/[^"#]+)', page.text))
    assert asked
    assert asked <= written.keys()
    for path in asked:
        assert (await site.get(path)).body == written[path]
