"""What a shop's customer does, step by step, through the gateway's public address alone.

Used by the end-to-end tests and by drills; knows nothing of Tarmac, of services behind the gateway
or of stores.
"""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from answers import Answer, Visit, ask, many_connections, served

#: States in which an order stays for ever.
ENDED = frozenset({"confirmed", "cancelled"})
#: The gateway takes ten requests a second of each customer: polling leaves room for others.
POLL_S = 0.15
#: Customers of a load, which take turns: each may ask ten times a second.
CUSTOMERS = 10
#: What a visitor looks for.
WORDS = ("tumblers", "kettle", "lamp", "towel")


@dataclass
class Shopper:
    """One customer with a browser of their own."""

    session: aiohttp.ClientSession
    #: The gateway's address, e.g. http://127.0.0.1:3000
    gateway: str
    email: str = field(default_factory=lambda: f"ann-{uuid.uuid4().hex[:10]}@example.com")
    password: str = field(default_factory=lambda: f"pw-{uuid.uuid4().hex}")
    token: str = ""
    refresh_token: str = ""

    async def ask(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send one request with the customer's token, if they have one."""
        url = f"{self.gateway}{path}"
        return await ask(self.session, method, url, body, headers=headers, token=self.token)

    async def sign_up(self) -> Answer:
        """Register and log in."""
        body = {"email": self.email, "password": self.password, "name": "Ann Shopper"}
        registered = await self.ask("POST", "/api/users/register", body)
        await self.log_in()
        return registered

    async def log_in(self) -> Answer:
        """Get tokens for the password."""
        body = {"email": self.email, "password": self.password}
        answer = await self.ask("POST", "/api/users/login", body)
        if answer.status == 200:
            self.token = answer.data["access_token"]
            self.refresh_token = answer.data["refresh_token"]
        return answer

    async def find(self, words: str) -> dict[str, Any]:
        """Search the catalogue; return the first product found."""
        answer = await self.ask("GET", f"/api/products?q={words}")
        found: dict[str, Any] = answer.data["items"][0]
        return found

    async def stock(self, product_id: str) -> int:
        """Ask how many of a product can be bought now."""
        answer = await self.ask("GET", f"/api/products/{product_id}/stock")
        available: int = answer.data["available"]
        return available

    async def order(
        self,
        product_id: str,
        quantity: int = 1,
        *,
        payment_token: str = "tok_ok",
        key: str | None = None,
    ) -> Answer:
        """Place an order; a key makes a repetition the same order."""
        body = {
            "items": [{"product_id": product_id, "quantity": quantity}],
            "payment_token": payment_token,
        }
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        return await self.ask("POST", "/api/orders", body, headers=headers)

    async def insist(self, product_id: str, key: str, within_s: float = 30.0) -> str:
        """Order with a key, again and again while something is down; return the order's id."""
        end = time.monotonic() + within_s
        while True:
            answer = await self.order(product_id, key=key)
            if answer.status in (201, 202):  # placed; or accepted, and placed later by itself
                order_id: str = answer.data["id"]
                return order_id
            if answer.status < 500 or time.monotonic() > end:
                raise TimeoutError(f"not accepted: {answer.status} {answer.data}")
            await asyncio.sleep(POLL_S)

    async def listed(self, within_s: float = 30.0) -> list[dict[str, Any]]:
        """List the customer's orders; asked again while the gateway says `too many`."""
        end = time.monotonic() + within_s
        while True:
            answer = await self.ask("GET", "/api/orders")
            if answer.status == 200:
                orders: list[dict[str, Any]] = answer.data["items"]
                return orders
            if answer.status != 429 or time.monotonic() > end:
                raise TimeoutError(f"no list: {answer.status} {answer.data}")
            await asyncio.sleep(POLL_S)

    async def ended(self, order_id: str, within_s: float = 30.0) -> dict[str, Any]:
        """Wait until an order is confirmed or cancelled; a lost one raises TimeoutError."""
        end = time.monotonic() + within_s
        last: Any = None
        while time.monotonic() < end:
            answer = await self.ask("GET", f"/api/orders/{order_id}")
            last = answer.data
            if answer.status == 200 and last["status"] in ENDED:
                order: dict[str, Any] = last
                return order
            await asyncio.sleep(POLL_S)
        raise TimeoutError(f"order {order_id} did not end within {within_s:g} s: {last}")


@asynccontextmanager
async def _customers(urls: Mapping[str, str]) -> AsyncIterator[list[Shopper]]:
    async with many_connections() as session:
        shoppers = [Shopper(session, urls["api-gateway"]) for _ in range(CUSTOMERS)]
        for shopper in shoppers:
            served(await shopper.sign_up(), "sign up", 201)
        yield shoppers


@asynccontextmanager
async def order(urls: Mapping[str, str]) -> AsyncIterator[Visit]:
    """Order one piece of what there is most of, as a signed-up customer; a refusal is the end."""
    async with _customers(urls) as shoppers:
        found = await shoppers[0].ask("GET", "/api/products?limit=100")
        ids = [product["id"] for product in found.data["items"]]
        left = {product: await shoppers[0].stock(product) for product in ids}
        turns = itertools.cycle(shoppers)

        async def visit() -> None:
            product = max(left, key=left.__getitem__)
            left[product] -= 1
            served(await next(turns).order(product), "order", 201, 202)

        yield visit


@asynccontextmanager
async def browse(urls: Mapping[str, str]) -> AsyncIterator[Visit]:
    """Search for a product and look at its stock, as a signed-up customer."""
    async with _customers(urls) as shoppers:
        turns = zip(itertools.cycle(shoppers), itertools.cycle(WORDS), strict=True)

        async def visit() -> None:
            visitor, word = next(turns)
            found = served(await visitor.ask("GET", f"/api/products?q={word}"), "search")
            product = found["items"][0]["id"]
            served(await visitor.ask("GET", f"/api/products/{product}/stock"), "stock")

        yield visit


#: What a drill may have visitors do.
JOURNEYS = {"order": order, "browse": browse}
