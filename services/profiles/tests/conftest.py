"""What the tests of profiles share: an order-service with a mind, profiles over memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from tarmac_kit_testing import MemoryDocuments
from tarmac_profiles.repository import UserRepository
from tarmac_profiles.service import Profiles
from tarmac_profiles.settings import ProfilesSettings
from tarmac_profiles.upstream import Orders

ISSUER, AUDIENCE = "https://starter.test", "starter"
SECRETS = {"KEY_ENCRYPTION_SECRET": "k" * 64, "ADMIN_KEY": "a" * 64}


@dataclass
class Reply:
    """An answer of the fake order-service."""

    status: int
    body: Any = None

    def json(self) -> Any:
        if isinstance(self.body, str):
            raise ValueError("not JSON")
        return self.body


@pytest.fixture
def an_order() -> dict[str, Any]:
    """Give an order as order-service says it, with more than profiles reads."""
    line = {"product_id": str(uuid4()), "name": "A cup", "quantity": 2, "unit_price_minor": 450}
    order = {"id": str(uuid4()), "status": "confirmed", "currency": "EUR", "total_minor": 900}
    return {**order, "lines": [line], "created_at": "2026-01-01T00:00:00Z", "more": 1}


@dataclass
class OrderService:
    """A client whose other side is an order-service."""

    reply: Reply = field(default_factory=lambda: Reply(200, {"items": [], "next_cursor": None}))
    error: Exception | None = None
    hangs: bool = False
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def answers(self, status: int, body: Any = None) -> None:
        """Answer so from now on."""
        self.reply = Reply(status, body)

    async def get(self, path: str, **options: Any) -> Reply:
        self.asked.append((path, options))
        if self.error is not None:
            raise self.error
        if self.hangs:
            await asyncio.Event().wait()
        return self.reply


@pytest.fixture
def order_service() -> OrderService:
    return OrderService()


@pytest.fixture
def documents() -> MemoryDocuments:
    return MemoryDocuments()


def _settings(**more: Any) -> ProfilesSettings:
    given = {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "access_token_ttl_s": 60, **more}
    secrets = {name.lower(): value for name, value in SECRETS.items()}
    return ProfilesSettings.model_validate({**secrets, **given})


@pytest.fixture
def build(documents: MemoryDocuments, order_service: OrderService) -> Callable[..., Profiles]:
    """Give a way to more replicas of profiles over the same documents, not prepared yet."""
    return lambda **more: Profiles(
        UserRepository(documents), Orders(order_service), _settings(**more)
    )


@pytest.fixture
async def profiles(build: Callable[..., Profiles]) -> Profiles:
    """Give profiles that are prepared, over documents in memory."""
    made = build()
    await made.prepare()
    return made


@pytest.fixture
async def orders_url(order_service: OrderService) -> AsyncIterator[str]:
    """Serve the fake order-service over HTTP."""

    async def serve(request: web.Request) -> web.Response:
        given = {**request.query, "Authorization": request.headers.get("Authorization")}
        reply = await order_service.get(request.path, **given)
        return web.json_response(reply.body, status=reply.status)

    app = web.Application()
    app.router.add_get("/orders", serve)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}"
    await runner.cleanup()


@pytest.fixture
def environ(database_url: str, orders_url: str) -> dict[str, str]:
    """Give what profiles reads, with documents in a PostgreSQL."""
    return {
        "MONGODB_URL": database_url,
        "ORDERS_URL": orders_url,
        "ORDERS_TIMEOUT_S": "0.3",
        "ORDERS_RETRIES": "0",
        "JWT_ISSUER": ISSUER,
        "JWT_AUDIENCE": AUDIENCE,
        **SECRETS,
    }
