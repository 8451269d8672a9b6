"""What a user of the starter does, step by step, through its one public address.

Used by the end-to-end tests and by drills; knows nothing of Tarmac, of which service answers, or of
stores.
"""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from answers import Answer, Visit, ask, many_connections, served

POLL_S = 0.05
#: Users of a load, which take turns.
USERS = 10


@dataclass
class Person:
    """A customer with an address of their own."""

    session: aiohttp.ClientSession
    #: The public address, e.g. http://127.0.0.1:8010
    address: str
    email: str = field(default_factory=lambda: f"ann-{uuid.uuid4().hex[:10]}@example.com")
    id: str = ""
    key: str = ""
    token: str = ""

    async def ask(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send one request with the person's token, if they have one."""
        url = f"{self.address}{path}"
        return await ask(self.session, method, url, body, headers=headers, token=self.token)

    async def sign_up(self, **facts: Any) -> Answer:
        """Become a user, and keep the key and the first token."""
        answer = await self.ask("POST", "/users", {"email": self.email, "name": "Ann", **facts})
        if answer.status == 201:
            self.id, self.key = answer.data["id"], answer.data["key"]
            self.token = answer.data["access_token"]
        return answer

    async def log_in(self) -> Answer:
        """Get a token for the address and the key."""
        body = {"email": self.email, "key": self.key}
        answer = await self.ask("POST", "/users/token", body)
        if answer.status == 200:
            self.token = answer.data["access_token"]
        return answer

    async def profile(self) -> Answer:
        """Read one's own document."""
        return await self.ask("GET", f"/users/{self.id}")

    async def change(self, version: int, **facts: Any) -> Answer:
        """Change one's own document as it was at a version; what is not given stays as it is."""
        own = (await self.profile()).data
        whole = {name: own[name] for name in ("email", "name", "city", "attributes")}
        body = {**whole, "version": version, **facts}
        return await self.ask("PUT", f"/users/{self.id}", body)

    async def order(
        self, name: str = "Espresso cup", price_minor: int = 450, *, key: str | None = None
    ) -> Answer:
        """Order two of something; a key makes a repetition the same order."""
        product_id = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
        item = {"product_id": product_id, "name": name, "unit_price_minor": price_minor}
        body = {"items": [{**item, "quantity": 2}], "currency": "EUR"}
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        return await self.ask("POST", "/orders", body, headers=headers)

    async def orders(self) -> Answer:
        """Read one's own orders from where one's own document is."""
        return await self.ask("GET", f"/users/{self.id}/orders?limit=100")

    async def insist(self, key: str, within_s: float = 30.0) -> str:
        """Order with a key, again and again while something is down; return the order's id."""
        end = time.monotonic() + within_s
        while True:
            try:
                answer = await self.order(key=key)
            except aiohttp.ClientError as error:  # the way to the service broke
                answer = Answer(503, repr(error), {})
            if answer.status in (201, 202):
                order_id: str = answer.data["id"]
                return order_id
            if answer.status < 500 or time.monotonic() > end:
                raise TimeoutError(f"not accepted: {answer.status} {answer.data}")
            await asyncio.sleep(POLL_S)


@asynccontextmanager
async def _users(urls: Mapping[str, str]) -> AsyncIterator[Iterator[Person]]:
    async with many_connections() as session:
        users = [Person(session, urls["entry"]) for _ in range(USERS)]
        for user in users:
            served(await user.sign_up(), "sign up", 201)
        yield itertools.cycle(users)


@asynccontextmanager
async def order(urls: Mapping[str, str]) -> AsyncIterator[Visit]:
    """Place an order."""
    async with _users(urls) as turns:

        async def visit() -> None:
            served(await next(turns).order(), "order", 201, 202)

        yield visit


@asynccontextmanager
async def profile(urls: Mapping[str, str]) -> AsyncIterator[Visit]:
    """Read one's own document and one's orders; a page that says that it lacks them will do."""
    async with _users(urls) as turns:

        async def visit() -> None:
            user = next(turns)
            served(await user.profile(), "profile")
            page = await user.orders()
            if not (page.status == 503 and page.data.get("degraded")):
                served(page, "orders")

        yield visit


#: What a drill may have visitors do.
JOURNEYS = {"order": order, "profile": profile}
