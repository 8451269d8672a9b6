"""The merged document and the API page."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from aiohttp import web

from tarmac_gateway import page
from tarmac_gateway.domain import parse_routes
from tarmac_gateway.examples import example, limits, resolve, type_name
from tarmac_gateway.openapi import FRESH_S, ApiDocument, ServiceDocument, merge
from tarmac_gateway.settings import BackendAddress
from tarmac_gateway.upstream import make_backends

ORDERS: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/orders": {
            "post": {
                "operationId": "place",
                "summary": "Place an order <script>alert(1)</script>",
                "description": "First.\n\nSecond.",
                "parameters": [
                    {
                        "name": "Idempotency-Key",
                        "in": "header",
                        "required": True,
                        "schema": {"type": "string", "maxLength": 64},
                    },
                    {"name": "authorization", "in": "header", "schema": {"type": "string"}},
                ],
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Draft"}}
                    }
                },
                "responses": {"201": {"description": "Placed"}},
                "security": [{"HTTPBearer": []}],
            }
        },
        "/orders/{order_id}": {
            "get": {
                "summary": "Read an order",
                "parameters": [
                    {
                        "name": "order_id",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string", "format": "uuid"},
                    }
                ],
                "responses": {"200": {"description": "It"}},
            }
        },
        "/internal/prune": {"post": {"responses": {}}},
    },
    "components": {
        "schemas": {
            "Draft": {
                "type": "object",
                "required": ["lines", "note"],
                "properties": {
                    "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
                    "note": {"type": "string", "examples": ["it's a gift"]},
                    "voucher": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                },
            },
            "Line": {"type": "object", "properties": {"quantity": {"type": "integer"}}},
            "Unused": {"type": "object"},
        }
    },
}
PRODUCTS: dict[str, Any] = {
    "paths": {
        "/products": {
            "get": {
                "operationId": "browse",
                "responses": {
                    "200": {
                        "description": "Some",
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Line"}}
                        },
                    }
                },
            }
        }
    },
    "components": {"schemas": {"Line": {"type": "string"}}},
}
TABLE = parse_routes(
    "/api/orders=order-service/orders /api/products=product-service/products "
    "/api/orders/archive=archive-service/archive",
    "GET /api/products, GET /api/orders/*",
)


def merged(*, answering: bool = True) -> dict[str, Any]:
    return merge(
        TABLE,
        [
            ServiceDocument("archive-service", {}, answering=False),
            ServiceDocument("order-service", ORDERS, answering=answering),
            ServiceDocument("product-service", PRODUCTS, answering=True),
        ],
        title="Shop <API>",
        url="http://localhost:3000",
    )


def test_only_reached_paths_are_merged_under_their_public_prefix():
    assert list(merged()["paths"]) == ["/api/orders", "/api/orders/{order_id}", "/api/products"]


def test_a_path_that_a_longer_prefix_takes_away_is_not_shown():
    document = {"paths": {"/orders/archive": {"get": {}}, "/orders/..": {"get": {}}}}
    shown = merge(
        TABLE, [ServiceDocument("order-service", document, answering=True)], title="x", url="u"
    )
    assert shown["paths"] == {}


def test_what_is_public_and_what_needs_a_token_is_said_by_the_gateway():
    paths = merged()["paths"]
    assert paths["/api/orders"]["post"]["security"] == [{"bearer": []}]
    assert paths["/api/orders/{order_id}"]["get"]["security"] == []
    assert paths["/api/products"]["get"]["security"] == []
    assert "401" in paths["/api/orders"]["post"]["responses"]
    assert "401" not in paths["/api/products"]["get"]["responses"]


def test_two_services_may_use_one_name_for_different_things():
    document = merged()
    schemas = document["components"]["schemas"]
    assert set(schemas) == {"Draft", "order-service.Line", "product-service.Line"}
    items = schemas["Draft"]["properties"]["lines"]["items"]
    assert items == {"$ref": "#/components/schemas/order-service.Line"}
    for reference in re.findall(r"#/components/[\w./-]+", str(document)):
        assert resolve({"$ref": reference}, document) != {}


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


def test_the_page_shows_operations_parameters_bodies_and_a_curl_line():
    found = read(page.render(merged()))
    assert "Place an order <script>alert(1)</script>" in found.text
    assert 'curl -X POST "http://localhost:3000/api/orders"' in found.text
    assert '-H "Authorization: Bearer $TOKEN"' in found.text
    assert '-H "Idempotency-Key: $(date +%s%N)$RANDOM"' in found.text
    assert """-d '{"lines": [{"quantity": 1}], "note": "it'"'"'s a gift"}'""" in found.text
    assert 'curl "http://localhost:3000/api/orders/$ORDER_ID"' in found.text
    assert "at most 64 characters" in found.text
    assert "array of order-service.Line" in found.text
    assert "/internal/prune" not in found.text


def test_the_page_needs_no_script_no_style_attribute_and_no_other_address():
    html = page.render(merged())
    found = read(html)
    assert not [tag for tag, _ in found.tags if tag in {"script", "iframe", "img", "object"}]
    assert not [attributes for _, attributes in found.tags if "style" in attributes]
    assert not [
        name for _, attributes in found.tags for name in attributes if name.startswith("on")
    ]
    links = [attributes["href"] or "" for _, attributes in found.tags if "href" in attributes]
    assert all(link.startswith(("#", "/", "data:")) for link in links)
    [style] = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page.POLICY
    assert "unsafe" not in page.POLICY


def test_every_link_of_the_page_has_its_target():
    found = read(page.render(merged()))
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in found.tags:
        target = attributes.get("href") or ""
        assert not target.startswith("#") or target[1:] in ids


def test_the_page_says_which_service_is_not_answering_and_shows_what_it_said_last():
    text = read(page.render(merged(answering=False))).text
    assert "order-servicenot answering now" in text
    assert "This service is not answering now" in text
    assert "Read an order" in text


def test_the_page_shows_how_to_come_to_a_token():
    def post(summary: str) -> dict[str, Any]:
        schema = {"type": "object", "required": ["email"], "properties": {"email": {}}}
        body = {"content": {"application/json": {"schema": schema}}}
        return {"post": {"summary": summary, "requestBody": body, "responses": {}}}

    users = {"paths": {"/users/login": post("Log in"), "/users/register": post("Register")}}
    document = merge(
        parse_routes("/api/users=user-service/users", "POST /api/users/login"),
        [ServiceDocument("user-service", users, answering=True)],
        title="x",
        url="http://localhost:3000",
    )
    text = read(page.render(document)).text
    assert 'Make an account:curl -X POST "http://localhost:3000/api/users/register"' in text
    assert 'TOKEN=$(curl -s -X POST "http://localhost:3000/api/users/login"' in text
    assert r"""| sed 's/.*"access_token":"\([^"]*\)".*/\1/')""" in text


def test_a_page_without_any_document_says_so():
    document = merge(
        TABLE, [ServiceDocument("order-service", {}, answering=False)], title="x", url="u"
    )
    assert "No service is answering yet" in page.render(document)


async def test_the_documents_are_fetched_kept_and_asked_for_again(world):
    calls = []
    up = [True]

    async def handler(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.json_response(ORDERS if up[0] else {}, status=200 if up[0] else 500)

    async def no_object(_request: web.Request) -> web.Response:
        return web.json_response([])

    await world.backend("order-service", handler)
    await world.backend("product-service", no_object)
    url = await world.gateway()
    async with world.client.get(f"{url}/openapi.json") as response:
        document = await response.json()
    answering = {entry["name"]: entry["answering"] for entry in document["x-services"]}
    assert answering == {"order-service": True, "product-service": True, "user-service": False}
    assert "/api/orders" in document["paths"]
    assert document["servers"] == [{"url": url}]
    async with world.client.get(f"{url}/docs") as response:
        html = await response.text()
    assert response.headers["Content-Security-Policy"] == page.POLICY
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Shop API" in html
    assert calls == ["/openapi.json"]


async def test_a_service_that_goes_away_keeps_its_place_in_the_document(world):
    up, now = [True], [100.0]

    async def handler(_request: web.Request) -> web.Response:
        return web.json_response(ORDERS, status=200 if up[0] else 503)

    url = await world.backend("order-service", handler)
    table = parse_routes("/api/orders=order-service/orders")
    backends = make_backends(
        {"order-service": BackendAddress("order-service", url, 1.0, 0)}, max_age_s=60
    )
    documents = ApiDocument(table, backends, "API", clock=lambda: now[0])
    assert (await documents.at("u"))["x-services"][0]["answering"] is True
    up[0] = False
    assert (await documents.at("u"))["x-services"][0]["answering"] is True
    now[0] += FRESH_S
    later = await documents.at("u")
    assert later["x-services"][0]["answering"] is False
    assert "/api/orders" in later["paths"]
    await backends["order-service"].close()


async def test_the_root_leads_to_the_page(world):
    url = await world.gateway()
    async with world.client.get(url, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (307, "/docs")


@pytest.mark.parametrize(
    ("schema", "value", "name"),
    [
        ({"type": "string", "format": "uuid"}, "7b0e6d1c-4f0b-4c51-9a3e-2f6f6d3c8a10", None),
        ({"type": "integer", "minimum": 5}, 5, "integer"),
        ({"type": "integer", "exclusiveMinimum": 0}, 1, "integer"),
        ({"type": "number"}, 1.0, "number"),
        ({"type": "boolean"}, True, "boolean"),
        ({"enum": ["a", "b"]}, "a", "a | b"),
        ({"const": 3}, 3, "any"),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, "text", "null or string"),
        ({"type": "array", "items": {"type": "string"}}, ["text"], "array of string"),
        ({"$ref": "#/missing/Thing"}, None, "Thing"),
        ({}, None, "any"),
    ],
)
def test_a_schema_gives_an_example_and_a_name(schema, value, name):
    assert example(schema, {}) == value
    assert name is None or type_name(schema, {}) == name


def test_a_schema_that_holds_itself_ends():
    document = {"components": {"schemas": {"Tree": {"type": "object", "required": ["left"]}}}}
    tree: dict[str, Any] = document["components"]["schemas"]["Tree"]
    tree["properties"] = {
        "left": {"$ref": "#/components/schemas/Tree"},
        "all": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
    }
    assert isinstance(example(tree, document), dict)
    assert resolve({"$ref": "#/loop"}, {"loop": {"$ref": "#/loop"}}) == {"$ref": "#/loop"}


def test_limits_are_said_in_words():
    assert limits({"minLength": 10, "maximum": 5, "default": 3}) == (
        "at least 10 characters, to 5, default 3"
    )
    assert type_name(True, {}) == "any"


async def test_readers_of_the_page_are_counted_like_everybody(world):
    url = await world.gateway(RATE_LIMIT_PER_MINUTE="1", RATE_LIMIT_BURST="1")
    statuses = []
    for path in ("/docs", "/openapi.json", "/health"):
        async with world.client.get(url + path) as response:
            statuses.append(response.status)
    assert statuses == [200, 429, 200]
