"""A customer's booking of a trip, step by step, through the public API host alone.

Used by the end-to-end tests and by drills; knows nothing of Tarmac, of services behind the host or
of stores.
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
POLL_S = 0.05
#: Customers of a load; each books one trip at a time.
TRAVELLERS = 12
#: What a visitor looks for.
WORDS = ("train", "walk", "week", "night")


@dataclass
class Traveller:
    """One customer, with a token once they have logged in."""

    session: aiohttp.ClientSession
    #: The API host's address, e.g. http://127.0.0.1:8091
    api: str
    email: str = field(default_factory=lambda: f"tess-{uuid.uuid4().hex[:10]}@example.com")
    password: str = field(default_factory=lambda: f"pw-{uuid.uuid4().hex}")
    token: str = ""

    async def ask(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send one request with the traveller's token, if they have one."""
        url = f"{self.api}{path}"
        return await ask(self.session, method, url, body, headers=headers, token=self.token)

    async def sign_up(self) -> Answer:
        """Register and log in."""
        body = {"email": self.email, "password": self.password, "name": "Tess Traveller"}
        registered = await self.ask("POST", "/users/register", body)
        login = {"email": self.email, "password": self.password}
        answer = await self.ask("POST", "/users/login", login)
        if answer.status == 200:
            self.token = answer.data["access_token"]
        return registered

    async def find(self, words: str) -> dict[str, Any]:
        """Search the trips; return the first that is found."""
        answer = await self.ask("GET", f"/products?q={words}")
        found: dict[str, Any] = answer.data["items"][0]
        return found

    async def places(self, trip_id: str) -> int:
        """Ask how many places of a trip are free."""
        answer = await self.ask("GET", f"/products/{trip_id}/stock")
        available: int = answer.data["available"]
        return available

    async def put(self, trip_id: str, quantity: int = 1) -> Answer:
        """Have so many places of a trip in the cart."""
        return await self.ask("PUT", f"/cart/lines/{trip_id}", {"quantity": quantity})

    async def check_out(self, *, payment_token: str = "tok_ok", key: str | None = None) -> Answer:
        """Book what is in the cart; a key makes a repetition the same order."""
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        body = {"payment_token": payment_token}
        return await self.ask("POST", "/cart/checkout", body, headers=headers)

    async def ended(self, order_id: str, within_s: float = 30.0) -> dict[str, Any]:
        """Wait until an order is confirmed or cancelled; a lost one raises TimeoutError."""
        end = time.monotonic() + within_s
        last: Any = None
        while time.monotonic() < end:
            answer = await self.ask("GET", f"/orders/{order_id}")
            last = answer.data
            if answer.status == 200 and last["status"] in ENDED:
                order: dict[str, Any] = last
                return order
            await asyncio.sleep(POLL_S)
        raise TimeoutError(f"order {order_id} did not end within {within_s:g} s: {last}")


@asynccontextmanager
async def book(urls: Mapping[str, str]) -> AsyncIterator[Visit]:
    """Put a place of the trip with most of them into the cart, and book it."""
    async with many_connections() as session:
        free = asyncio.Queue[Traveller]()
        for _ in range(TRAVELLERS):
            traveller = Traveller(session, urls["entry:api"])
            served(await traveller.sign_up(), "sign up", 201)
            free.put_nowait(traveller)
        found = served(await traveller.ask("GET", "/products?limit=100"), "trips")
        left = {trip["id"]: await traveller.places(trip["id"]) for trip in found["items"]}

        async def visit() -> None:
            traveller = await free.get()
            trip = max(left, key=left.__getitem__)
            left[trip] -= 1
            try:
                served(await traveller.put(trip), "cart")
                served(await traveller.check_out(), "checkout", 201, 202)
            finally:
                free.put_nowait(traveller)

        yield visit


@asynccontextmanager
async def browse(urls: Mapping[str, str]) -> AsyncIterator[Visit]:
    """Search for a trip and ask how many places it has."""
    async with many_connections() as session:
        visitor, words = Traveller(session, urls["entry:api"]), itertools.cycle(WORDS)

        async def visit() -> None:
            found = served(await visitor.ask("GET", f"/products?q={next(words)}"), "search")
            trip = found["items"][0]["id"]
            served(await visitor.ask("GET", f"/products/{trip}/stock"), "places")

        yield visit


#: What a drill may have visitors do.
JOURNEYS = {"book": book, "browse": browse}
