"""The two services behind offers, small, in memory, and able to fail as real ones do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest

from tarmac_kit import Response, create_app
from tarmac_kit.client import Request, TransportError
from tarmac_kit_testing import InProcess, json_response, running
from tarmac_offers.app import PART


@dataclass
class Behind:
    """A transport whose other sides are an inventory and a pricing service."""

    stock: dict[str, int] = field(default_factory=dict)
    prices: dict[str, int] = field(default_factory=dict)
    held: dict[str, list[dict]] = field(default_factory=dict)
    sold: dict[str, list[dict]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    quotes: dict[str, str] = field(default_factory=dict)
    #: Answers by "METHOD /beginning of a path", one after the other, before the real one.
    instead: dict[str, list[Response | Exception]] = field(default_factory=dict)
    #: What is done, and its answer lost on the way.
    lost: set[str] = field(default_factory=set)
    away: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    #: What a test does when a call comes in, by the same beginnings.
    when: dict[str, Callable[[], None]] = field(default_factory=dict)

    def sell(self, *, minor: int = 500, stock: int = 10) -> UUID:
        product_id = uuid4()
        self.prices[str(product_id)] = minor
        self.stock[str(product_id)] = stock
        return product_id

    async def __call__(self, request: Request) -> Response:
        url = urlsplit(request.url)
        call = f"{request.method} {url.path}"
        self.asked.append(call)
        if url.hostname in self.away:
            raise TransportError("nobody listens")
        for begins, do in list(self.when.items()):
            if call.startswith(begins):
                del self.when[begins]
                do()
        for begins, answers in self.instead.items():
            if call.startswith(begins) and answers:
                answer = answers.pop(0)
                if isinstance(answer, Exception):
                    raise answer
                return answer
        body = json.loads(request.body) if request.body else {}
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        side = self._inventory if url.hostname == "inventory" else self._pricing
        answer = side(request.method, url.path.strip("/").split("/"), body, query)
        if any(call.startswith(begins) for begins in self.lost):
            raise TransportError("the answer was lost")
        return answer

    def _inventory(self, method: str, path: list[str], body: dict, _query: dict) -> Response:
        if path == ["stock-levels"]:
            known = [product_id for product_id in body["product_ids"] if product_id in self.stock]
            levels = [
                {"product_id": product_id, "available": self.stock[product_id]}
                for product_id in known
            ]
            return json_response(200, {"levels": levels})
        order = path[1]
        if method == "PUT":
            if order in self.closed:
                return json_response(409, {"code": "reservation_released"})
            if order in self.held or order in self.sold:
                return json_response(200, {})
            short = [
                {"product_id": line["product_id"], "wanted": line["quantity"], "available": have}
                for line in body["lines"]
                if (have := self.stock.get(line["product_id"], 0)) < line["quantity"]
            ]
            if short:
                return json_response(409, {"code": "out_of_stock", "short": short})
            for line in body["lines"]:
                self.stock[line["product_id"]] -= line["quantity"]
            self.held[order] = body["lines"]
            return json_response(201, {})
        if path[-1] == "commit":
            if order in self.closed:
                return json_response(409, {"code": "reservation_released", "detail": "too late"})
            if order in self.held:
                self.sold[order] = self.held.pop(order)
            return json_response(200, {})
        if path[-1] == "return":
            self._put_back(self.sold.pop(order, []))
        elif order in self.sold:
            return json_response(409, {"code": "reservation_committed"})
        else:
            self._put_back(self.held.pop(order, []))
        self.closed.add(order)
        return json_response(200, {})

    def _put_back(self, lines: list[dict]) -> None:
        for line in lines:
            self.stock[line["product_id"]] += line["quantity"]

    def _pricing(self, method: str, path: list[str], body: dict, query: dict) -> Response:
        if path == ["prices"] and method == "GET":
            ids = sorted(self.prices)
            after = [product_id for product_id in ids if product_id > query.get("after", "")]
            page = after[: int(query["limit"])]
            more = page[-1] if len(after) > len(page) else None
            return json_response(200, {"prices": [self._price(product_id) for product_id in page],
                                       "next": more})  # fmt: skip
        if path == ["prices"]:
            known = [product_id for product_id in body["product_ids"] if product_id in self.prices]
            return json_response(200, {"prices": [self._price(product_id) for product_id in known]})
        if path[0] == "prices":
            if path[1] not in self.prices:
                return json_response(404, {"code": "price_unknown"})
            return json_response(200, self._price(path[1]))
        if path == ["quotes"]:
            unknown = [x for x in body["lines"] if x["product_id"] not in self.prices]
            if unknown:
                return json_response(422, {"code": "not_priced", "detail": "no price"})
            lines = [
                {
                    "product_id": line["product_id"],
                    "name": "cup",
                    "quantity": line["quantity"],
                    "price_minor": self.prices[line["product_id"]],
                    "total_minor": self.prices[line["product_id"]] * line["quantity"],
                    "list_price_minor": 0,
                }
                for line in body["lines"]
            ]
            quote = str(uuid4())
            self.quotes[quote] = "open"
            total = sum(line["total_minor"] for line in lines)
            made = {"id": quote, "currency": "EUR", "total_minor": total, "lines": lines}
            return json_response(201, made)
        quote, action = path[1], path[2]
        if action == "accept":
            if self.quotes[quote] in {"released", "expired"}:
                return json_response(409, {"code": f"quote_{self.quotes[quote]}", "detail": "over"})
            self.quotes[quote] = "accepted"
        else:
            if quote not in self.quotes:
                return json_response(404, {"code": "quote_unknown"})
            self.quotes[quote] = "released"
        return json_response(200, {})

    def _price(self, product_id: str) -> dict:
        return {
            "product_id": product_id,
            "name": "cup",
            "price_minor": abs(self.prices[product_id]),
            "currency": "EUR",
            # A negative one is no longer sold.
            "active": self.prices[product_id] >= 0,
        }


@pytest.fixture
def behind() -> Behind:
    return Behind()


@pytest.fixture
async def start_offers(behind: Behind) -> AsyncIterator[Callable[..., Awaitable[InProcess]]]:
    """Give a way to start offers over the two services; with DATABASE_URL purchases, too."""
    async with AsyncExitStack() as stack:

        async def start(**environ: str) -> InProcess:
            urls = {"INVENTORY_URL": "http://inventory", "PRICING_URL": "http://pricing"}
            app = create_app([PART], {"SERVICE_NAME": "offers", **urls, **environ},
                             transport=behind)  # fmt: skip
            return await stack.enter_async_context(running(app))

        yield start
