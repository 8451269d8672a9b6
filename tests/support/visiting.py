"""A browser without a network: cookies, forms and redirects, on pages over an API in memory.

For services/web/tests, whose fixtures open it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urlsplit

from tarmac_kit import Application
from tarmac_kit.client import Request, Response
from tarmac_kit_testing import FakeTransport, json_response

SECRET = "a-secret-of-the-tests-and-of-nothing-else"
KETTLE = "5eed0000-0000-4000-8000-000000001003"
THROW = "5eed0000-0000-4000-8000-000000002003"
ORDER = "0badcafe-0000-4000-8000-00000000aaaa"
PAGE = "text/html,application/xhtml+xml"


def product(product_id: str, name: str, price: int, **more: Any) -> dict[str, Any]:
    return {
        "id": product_id,
        "name": name,
        "description": "Made to last.",
        "category": "kitchen",
        "price_minor": price,
        "currency": "EUR",
        "active": True,
        "version": 1,
        "created_at": "2026-03-03T10:00:00Z",
        "updated_at": "2026-03-03T10:00:00Z",
        **more,
    }


def order(status: str, **more: Any) -> dict[str, Any]:
    return {
        "id": ORDER,
        "status": status,
        "reason": None,
        "currency": "EUR",
        "total_minor": 23800,
        "lines": [
            {
                "product_id": KETTLE,
                "name": "Copper kettle",
                "quantity": 2,
                "unit_price_minor": 11900,
            }
        ],
        "shipping_address": None,
        "created_at": "2026-03-03T10:00:00Z",
        "updated_at": "2026-03-03T10:00:00Z",
        "history": [{"status": "pending", "reason": None, "at": "2026-03-03T10:00:00Z"}],
        **more,
    }


def tokens(number: int = 1, expires_in: float = 900) -> dict[str, Any]:
    return {
        "access_token": f"access-{number}",
        "refresh_token": f"refresh-{number}",
        "token_type": "Bearer",
        "expires_in": expires_in,
    }


ME = {
    "id": "u1",
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "roles": [],
    "created_at": "2026-03-03T10:00:00Z",
    "updated_at": "2026-03-03T10:00:00Z",
}


def problem(status: int, code: str, title: str = "No", **more: Any) -> Response:
    return json_response(status, {"code": code, "title": title, "status": status, **more})


def shop_api() -> FakeTransport:
    """Return an API with two products, one customer and one confirmed order."""
    kettle, throw = product(KETTLE, "Copper kettle", 11900), product(THROW, "Merino throw", 9900)
    answers: dict[str, Any] = {
        "GET /api/products": json_response(200, {"items": [kettle, throw], "next_cursor": None}),
        "GET /api/products/categories": json_response(
            200, {"categories": [{"slug": "kitchen", "products": 2}]}
        ),
        f"GET /api/products/{KETTLE}": json_response(200, kettle),
        f"GET /api/products/{THROW}": json_response(200, throw),
        f"GET /api/products/{KETTLE}/stock": json_response(200, {"available": 18}),
        f"GET /api/products/{THROW}/stock": json_response(200, {"available": 3}),
        "POST /api/users/register": json_response(201, ME),
        "POST /api/users/login": json_response(200, tokens()),
        "POST /api/users/logout": Response(204),
        "GET /api/users/me": json_response(200, ME),
        "POST /api/orders": json_response(201, order("placed")),
        "GET /api/orders": json_response(200, {"items": [order("confirmed")], "next_cursor": None}),
        f"GET /api/orders/{ORDER}": json_response(200, order("confirmed")),
    }
    return FakeTransport(answers)


class _Page(HTMLParser):
    """The forms of a page: their action and their fields, as a browser would send them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            fields: dict[str, str] = {}
            self.forms.append({"action": given.get("action") or "", "fields": fields})
        elif self.forms and tag == "input" and given.get("name"):
            checked = given.get("type") not in ("radio", "checkbox") or "checked" in given
            if checked:
                self.forms[-1]["fields"][given["name"]] = given.get("value") or ""
        elif tag == "select":
            self._select = given.get("name") or ""
        elif tag == "option" and "selected" in given:
            self.forms[-1]["fields"][self._select] = given.get("value") or ""


@dataclass
class Shown:
    """An answer, with every one of its headers."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def cookies(self) -> list[str]:
        return [value for key, value in self.headers if key == "set-cookie"]

    @property
    def place(self) -> str:
        return self.header("location") or ""

    def form(self, action: str) -> dict[str, str]:
        """Return the fields of the form that goes to `action`."""
        found = [form for form in _Page(self.text).forms if form["action"] == action]
        assert found, f"no form to {action}"
        return dict(found[0]["fields"])


@dataclass
class Browser:
    """One visitor's browser."""

    app: Application
    api: FakeTransport
    cookies: dict[str, str] = field(default_factory=dict)

    async def send(
        self, method: str, path: str, *, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Shown:
        sent = {"host": "shop.test", "accept": PAGE, "sec-fetch-site": "same-origin"}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent |= headers or {}
        split = urlsplit(path)
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": split.path,
            "raw_path": split.path.encode(),
            "query_string": split.query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            "client": ("127.0.0.1", 1),
            "server": ("shop.test", 80),
        }
        answers: list[Any] = []
        given = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            if given:
                return given.pop()
            return await asyncio.Event().wait()

        async def answer(event: Any) -> None:
            answers.append(event)

        await self.app(scope, receive, answer)
        start = answers[0]
        shown = Shown(
            start["status"],
            [(name.decode().lower(), value.decode()) for name, value in start["headers"]],
            b"".join(event.get("body", b"") for event in answers[1:]),
        )
        for line in shown.cookies:
            pair, _, attributes = line.partition(";")
            name, _, value = pair.partition("=")
            if "Max-Age=0" in attributes:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return shown

    async def get(self, path: str, **headers: str) -> Shown:
        return await self.send("GET", path, headers=headers)

    async def post(self, path: str, fields: dict[str, str], **headers: str) -> Shown:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        body = urlencode(fields).encode()
        return await self.send("POST", path, body=body, headers=kind | headers)

    async def submit(self, page: str | Shown, action: str, **changes: str) -> Shown:
        """Load a page, change some fields of its form and send it."""
        shown = await self.get(page) if isinstance(page, str) else page
        return await self.post(action, {**shown.form(action), **changes})

    async def log_in(self) -> None:
        done = await self.submit("/login", "/login", email="ada@example.com", password="x")
        assert done.status == 303

    def asked(self, method: str, path: str) -> list[Request]:
        """Return what the API was asked so far."""
        return [
            request
            for request in self.api.requests
            if request.method == method and urlsplit(request.url).path == path
        ]
