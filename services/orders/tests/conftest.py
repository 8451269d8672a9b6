"""Fakes that orders' unit tests share: a database that rolls back, an inventory with a mind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import web

from tarmac_kit import Claims, Message, Response, Sweep, Unavailable
from tarmac_kit_testing import json_response
from tarmac_orders.domain import NewOrder, Order, State, Step
from tarmac_orders.service import Orders
from tarmac_orders.steps import Steps
from tarmac_orders.upstream import Catalog, Inventory


class Crash(BaseException):
    """The process ends here."""


class Tables:
    """What a database keeps, and an orders repository over it."""

    def __init__(self) -> None:
        self.orders: dict[UUID, Order] = {}
        self.steps: list[tuple[UUID, Step]] = []
        self.outbox: list[tuple[str, dict[str, Any]]] = []
        self.inbox: set[str] = set()
        self.due: dict[UUID, float] = {}
        self.crash_before_commit: str | None = None
        self.crash_after_commit: str | None = None
        self._clock = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self._clock += timedelta(seconds=1)
        return self._clock

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Tables]:
        yield self

    transaction = connection

    async def add(self, _connection: Any, new: NewOrder, *, sweep_after_s: float) -> Order | None:
        if await self.find_by_key(None, new.customer_id, new.idempotency_key):
            return None
        now = self.now()
        self.orders[new.id] = Order(
            **vars(new),
            state=State.PENDING,
            reason=None,
            short=None,
            accepted=False,
            created_at=now,
            updated_at=now,
        )
        self.due[new.id] = sweep_after_s
        self.steps.append((new.id, Step(State.PENDING, None, now)))
        return self.orders[new.id]

    async def find(self, _connection: Any, order_id: UUID, *, lock: bool = False) -> Order | None:
        return self.orders.get(order_id)

    async def find_by_key(self, _connection: Any, customer_id: str, key: str) -> Order | None:
        for order in self.orders.values():
            if (order.customer_id, order.idempotency_key) == (customer_id, key):
                return order
        return None

    async def page(self, _connection, *, customer_id, state, after, limit):
        found = [
            order
            for order in self.orders.values()
            if customer_id in {None, order.customer_id}
            and state in {None, order.state}
            and (after is None or (order.created_at, order.id) < after)
        ]
        return sorted(found, key=lambda o: (o.created_at, o.id), reverse=True)[:limit]

    async def history(self, _connection: Any, order_id: UUID) -> list[Step]:
        return [step for of, step in self.steps if of == order_id]

    async def move(
        self,
        _connection,
        order_id,
        *,
        of,
        to,
        reason=None,
        short=None,
        sweep_after_s=0.0,
        event=None,
    ):
        topic, payload = event or ("", {})
        if topic and self.crash_before_commit == topic:
            self.crash_before_commit = None
            raise Crash
        order = self.orders.get(order_id)
        if order is None or order.state not in of:
            return None
        moved = replace(
            order,
            state=to,
            reason=reason or order.reason,
            short=[*short] if short is not None else order.short,
            accepted=order.accepted or to in {State.PLACED, State.PAID, State.CONFIRMED},
            updated_at=self.now(),
        )
        self.orders[order_id] = moved
        self.due[order_id] = sweep_after_s
        self.steps.append((order_id, Step(to, reason, moved.updated_at)))
        if topic:
            at = moved.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ")
            self.outbox.append((topic, {**payload, f"{to}_at": at}))
        if topic and self.crash_after_commit == topic:
            self.crash_after_commit = None
            raise Crash
        return moved

    async def move_once(self, connection, order_id, *, consumer, message_id, **move):
        if message_id in self.inbox or order_id not in self.orders:
            return False, None
        self.inbox.add(message_id)
        return True, await self.move(connection, order_id, **move)

    async def accept(self, _connection, order_id):
        order = self.orders[order_id]
        if order.state is not State.PENDING:
            return None
        self.orders[order_id] = replace(order, accepted=True)
        return self.orders[order_id]

    async def claim(self, _connection, limit, *, lease_s):
        stands = {State.PENDING, State.PAID, State.CANCELLING}
        return [o.id for o in self.orders.values() if o.state in stands][:limit]


class Outbox:
    """Hands events on to the tables, which write them with what they say."""

    @contextmanager
    def event(self, *, topic, aggregate_type, aggregate_id, payload):
        assert aggregate_type == "order"
        assert aggregate_id == payload["order_id"]
        yield topic, payload


@dataclass
class Shelf:
    """A client whose other side is the catalog and the inventory of a small shop."""

    products: dict[str, dict[str, Any]] = field(default_factory=dict)
    stock: dict[str, int] = field(default_factory=dict)
    held: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    sold: set[str] = field(default_factory=set)
    away: bool = False
    answers_lost: int = 0
    next_reply: Response | None = None
    calls: list[str] = field(default_factory=list)

    def add(self, *, minor: int = 500, stock: int = 10, currency: str = "EUR") -> UUID:
        product_id = uuid4()
        self.products[str(product_id)] = {
            "product_id": str(product_id),
            "name": f"cup of {minor}",
            "price_minor": minor,
            "currency": currency,
            "active": True,
        }
        self.stock[str(product_id)] = stock
        return product_id

    async def post(self, path: str, **options: Any) -> Response:
        if path == "/prices":
            self._reach("prices")
            wanted = options["json"]["product_ids"]
            known = [
                self.products[product_id] for product_id in wanted if product_id in self.products
            ]
            return self._answer(json_response(200, {"prices": known}))
        order_id = path.split("/")[2]
        self._reach("commit")
        if order_id in self.sold:
            return self._answer(json_response(200, {}))
        if order_id in self.closed:
            return self._answer(json_response(409, {"code": "reservation_released"}))
        del self.held[order_id]
        self.sold.add(order_id)
        return self._answer(json_response(200, {}))

    async def put(self, path: str, **options: Any) -> Response:
        order_id = path.split("/")[2]
        self._reach("reserve")
        if order_id in self.closed:
            return self._answer(json_response(409, {"code": "reservation_released"}))
        if order_id in self.held or order_id in self.sold:
            return self._answer(json_response(200, {}))
        lines = options["json"]["lines"]
        short = [line for line in lines if self.stock[line["product_id"]] < line["quantity"]]
        if short:
            return self._answer(json_response(409, {"code": "out_of_stock", "short": short}))
        for line in lines:
            self.stock[line["product_id"]] -= line["quantity"]
        self.held[order_id] = lines
        return self._answer(json_response(201, {}))

    async def delete(self, path: str, **_options: Any) -> Response:
        order_id = path.split("/")[2]
        self._reach("release")
        for line in self.held.pop(order_id, []):
            self.stock[line["product_id"]] += line["quantity"]
        self.closed.add(order_id)
        return self._answer(json_response(200, {}))

    def _reach(self, call: str) -> None:
        self.calls.append(call)
        if self.away:
            raise Unavailable("inventory")

    def _answer(self, reply: Response) -> Response:
        if self.next_reply is not None:
            reply, self.next_reply = self.next_reply, None
        if self.answers_lost:
            self.answers_lost -= 1
            raise Unavailable("inventory", "the connection broke")
        return reply


@dataclass
class Shop:
    """Orders with everything around them faked."""

    tables: Tables
    shelf: Shelf
    orders: Orders
    sweep: Sweep[UUID]

    def state(self, order_id: UUID) -> State:
        return self.tables.orders[order_id].state

    def said(self) -> list[str]:
        return [topic for topic, _ in self.tables.outbox]


@pytest.fixture
def shop() -> Shop:
    tables, shelf = Tables(), Shelf()
    steps = Steps(tables, tables, Inventory(shelf, ttl_s=900.0), Outbox(), 5.0)
    orders = Orders(tables, tables, Catalog(shelf), steps)
    return Shop(tables, shelf, orders, steps.sweep())


@pytest.fixture
def customer() -> Claims:
    return Claims("customer-1", "ada@example.com", frozenset(), "t", 0)


@pytest.fixture
def staff() -> Claims:
    return Claims("staff-1", "sam@example.com", frozenset({"staff"}), "t", 0)


@pytest.fixture
def payment():
    """Build the message of a payment's result."""

    def build(topic: str, order_id: UUID, *, message_id: str = "") -> Message:
        payload = {"payment_id": str(uuid4()), "order_id": str(order_id)}
        return Message(message_id or str(uuid4()), topic, str(order_id), payload)

    return build


@pytest.fixture
async def shelf_url(shop_shelf: Shelf) -> AsyncIterator[str]:
    """Serve the shelf over HTTP, as catalog and inventory would."""

    async def serve(request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        call = {"POST": shop_shelf.post, "PUT": shop_shelf.put, "DELETE": shop_shelf.delete}
        try:
            reply = await call[request.method](request.path, json=body)
        except Unavailable:
            return web.Response(status=503)
        return web.Response(body=reply.body, status=reply.status, headers=reply.headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", serve)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}"
    await runner.cleanup()


@pytest.fixture
def shop_shelf() -> Shelf:
    return Shelf()
