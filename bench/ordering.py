"""Customers who order over the shop's gateway, as fast as they are answered; for bench files.

Two settings of the shop are others than a visitor finds: customers may order as often as they can,
and their passwords are hashed in a moment.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Any

import aiohttp
import asyncpg
from bench.figure import sized

from tarmac.testing import System

AT_ONCE = 16
SECONDS = sized(8, 1)
PRODUCT = "5eed0000-0000-4000-8000-000000004001"


def with_cheap_passwords(system: dict[str, Any]) -> None:
    """Have passwords cost nothing, and as many as are wanted: they are not measured."""
    env = system["services"]["user-service"]["env"]
    env |= {"BCRYPT_COST": "4", "LOGIN_RATE_PER_MINUTE": "60000", "LOGIN_RATE_BURST": "1000"}


async def signed_up(shop: System) -> list[str]:
    """Sign customers up, with goods enough for all; return their tokens."""
    database = await asyncpg.connect(shop.store_url("products-db"))
    await database.execute("UPDATE stock SET on_hand = 100000000 WHERE product_id = $1", PRODUCT)
    await database.close()
    async with aiohttp.ClientSession() as session:
        return [await _token(session, shop.url("api-gateway")) for _ in range(AT_ONCE)]


async def ordered(
    shop: System,
    tokens: list[str],
    seconds: float = SECONDS,
    begins: Callable[[], None] = lambda: None,
) -> list[float]:
    """Order for some seconds; return what each order took until its answer, in ms.

    Args:
        begins: called after the first orders, which are not counted.
    """
    gateway = shop.url("api-gateway")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:
        await _load(session, gateway, tokens, 2.0)  # what is made at the first request is there
        begins()
        return await _load(session, gateway, tokens, seconds)


async def _token(session: Any, gateway: str) -> str:
    account = {"email": f"{uuid.uuid4().hex}@example.com", "password": uuid.uuid4().hex}
    users = f"{gateway}/api/users"
    async with session.post(f"{users}/register", json={**account, "name": "Bench"}) as answer:
        answer.raise_for_status()
    async with session.post(f"{users}/login", json=account) as answer:
        answer.raise_for_status()
        token: str = (await answer.json())["access_token"]
        return token


async def _load(session: Any, gateway: str, tokens: list[str], seconds: float) -> list[float]:
    times_ms: list[float] = []
    ends_at = time.perf_counter() + seconds

    async def buyer(token: str) -> None:
        while (began_at := time.perf_counter()) < ends_at:
            async with session.post(
                f"{gateway}/api/orders",
                json={
                    "items": [{"product_id": PRODUCT, "quantity": 1}],
                    "payment_token": "tok_ok",
                },
                headers={
                    "Authorization": f"Bearer {token}",
                    "Idempotency-Key": uuid.uuid4().hex,
                },
            ) as answer:
                if answer.status not in (201, 202):
                    raise SystemExit(f"checkout: {answer.status} {await answer.text()}")
                await answer.read()
            times_ms.append((time.perf_counter() - began_at) * 1000)

    await asyncio.gather(*(buyer(token) for token in tokens))
    return times_ms
