"""What people do with hello-dd, step by step: a buyer at the public address, staff behind it.

Used by the end-to-end tests and by drills; knows nothing of Tarmac or of stores.
"""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from answers import Answer, NotServed, Visit, ask, many_connections, served

#: States in which a purchase stays for ever.
ENDED = frozenset({"confirmed", "cancelled"})
#: States in which a job stays until an operator looks at it.
FINAL_STATES = frozenset({"done", "parked"})
POLL_S = 0.05
#: Offers that a load looks at; there are eight.
OFFERS = 50


@dataclass
class Buyer:
    """A customer; there is no account, only a name that they go by."""

    session: aiohttp.ClientSession
    #: The gateway's address, e.g. http://127.0.0.1:8083
    gateway: str
    name: str = field(default_factory=lambda: f"buyer-{uuid.uuid4().hex[:10]}")

    async def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send one request to the gateway."""
        return await ask(self.session, method, f"{self.gateway}{path}", body, headers=headers)

    async def find(self, words: str) -> dict[str, Any]:
        """Look through all offers for one whose name has these words."""
        after = ""
        while True:
            answer = await self.ask("GET", f"/offers?limit=5{after}")
            if answer.status != 200:
                raise LookupError(f"{answer.status}: {answer.data}")
            page = answer.data
            for offer in page["offers"]:
                if words.lower() in offer["name"].lower():
                    found: dict[str, Any] = offer
                    return found
            if page["next"] is None:
                raise LookupError(f"no offer is called {words}")
            after = f"&after={page['next']}"

    async def offer(self, product_id: str, query: str = "") -> dict[str, Any]:
        """Ask for one offer, which there must be, whole or in part."""
        answer = await self.ask("GET", f"/offers/{product_id}{query}")
        if answer.status != 200:
            raise LookupError(f"{answer.status}: {answer.data}")
        offer: dict[str, Any] = answer.data
        return offer

    async def buy(
        self, product_id: str, quantity: int = 1, *, tier: str | None = None, key: str = ""
    ) -> Answer:
        """Buy something; a key makes a repetition the same purchase."""
        lines = [{"product_id": product_id, "quantity": quantity}]
        body = {"customer": self.name, "lines": lines, "tier": tier}
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        return await self.ask("POST", "/purchases", body, headers)

    async def insist(self, product_id: str, quantity: int, key: str, within_s: float = 30) -> str:
        """Buy with a key, again and again while something is down; return the purchase's id."""
        end = time.monotonic() + within_s
        while True:
            try:
                answer = await self.buy(product_id, quantity, key=key)
            except aiohttp.ClientError as error:
                answer = Answer(503, str(error), {})
            if answer.status in (201, 202, 409) and "state" in answer.data:
                purchase_id: str = answer.data.get("id") or answer.data["purchase_id"]
                return purchase_id
            if time.monotonic() > end:
                raise TimeoutError(f"not accepted: {answer.status} {answer.data}")
            await asyncio.sleep(POLL_S)

    async def ended(self, purchase_id: str, within_s: float = 30) -> dict[str, Any]:
        """Wait until a purchase and its saga have ended, also while a gateway is away.

        Raises:
            TimeoutError: they did not; a purchase that is lost never does.
        """
        end = time.monotonic() + within_s
        last: Any = None
        while time.monotonic() < end:
            try:
                last = (await self.ask("GET", f"/purchases/{purchase_id}")).data
            except aiohttp.ClientError as error:
                last = {"error": str(error)}
            if last.get("state") in ENDED and last["saga"] in ("done", "compensated"):
                purchase: dict[str, Any] = last
                return purchase
            await asyncio.sleep(POLL_S)
        raise TimeoutError(f"purchase {purchase_id} did not end within {within_s:g} s: {last}")


@dataclass
class Staff:
    """A member of staff, counting the shelf and setting prices; inside, past the gateway."""

    session: aiohttp.ClientSession
    inventory: str
    pricing: str
    #: Gives a fresh caller token for a service, by its name.
    caller_token: Callable[[str], str]
    token: str = ""

    async def ask(self, service: str, method: str, path: str, body: Any = None) -> Answer:
        """Send one request to a service, as a developer."""
        url = (self.inventory if service == "inventory-service" else self.pricing) + path
        headers = {"X-Caller-Token": self.caller_token(service)}
        return await ask(self.session, method, url, body, headers=headers, token=self.token)

    async def log_in(self, email: str, password: str) -> Answer:
        """Get a token."""
        body = {"email": email, "password": password}
        answer = await self.ask("inventory-service", "POST", "/users/login", body)
        if answer.status == 200:
            self.token = answer.data["access_token"]
        return answer

    async def count(self, product_id: str, on_hand: int) -> Answer:
        """Set what is on the shelf."""
        path = f"/products/{product_id}/stock"
        return await self.ask("inventory-service", "PUT", path, {"on_hand": on_hand})

    async def rule(self, **rule: Any) -> Answer:
        """Write a price rule."""
        return await self.ask("pricing-service", "POST", "/rules", rule)

    async def send(self, name: str, rules: list[dict[str, Any]]) -> Answer:
        """Send a price list."""
        body = {"name": name, "rules": rules}
        return await self.ask("pricing-service", "POST", "/price-lists", body)

    async def job(self, path: str, within_s: float = 30) -> tuple[dict[str, Any], list[str]]:
        """Follow a job to its end; return it and the states that it was seen in."""
        end, seen = time.monotonic() + within_s, list[str]()
        while True:
            job = (await ask(self.session, "GET", f"{self.pricing}{path}")).data
            if not seen or seen[-1] != job["state"]:
                seen.append(job["state"])
            if job["state"] in FINAL_STATES:
                return job, seen
            if time.monotonic() > end:
                raise TimeoutError(f"job {path} did not end within {within_s:g} s: {job}")
            await asyncio.sleep(POLL_S)


@asynccontextmanager
async def _buyer(urls: Mapping[str, str]) -> AsyncIterator[tuple[Buyer, list[dict[str, Any]]]]:
    async with many_connections() as session:
        buyer = Buyer(session, urls["api-gateway"])
        found = served(await buyer.ask("GET", f"/offers?limit={OFFERS}"), "offers")
        yield buyer, found["offers"]


@asynccontextmanager
async def look(urls: Mapping[str, str]) -> AsyncIterator[Visit]:
    """Look at one offer; half of it is an answer as well."""
    async with _buyer(urls) as (buyer, offers):
        turns = itertools.cycle(offers)

        async def visit() -> None:
            served(await buyer.ask("GET", f"/offers/{next(turns)['product_id']}"), "offer")

        yield visit


@asynccontextmanager
async def whole_offer(urls: Mapping[str, str]) -> AsyncIterator[Visit]:
    """Look at one offer, with its stock and its price."""
    async with _buyer(urls) as (buyer, offers):
        turns = itertools.cycle(offers)

        async def visit() -> None:
            path = f"/offers/{next(turns)['product_id']}"
            offer = served(await buyer.ask("GET", path), "offer")
            if offer["degraded"]:
                raise NotServed(f"offer without {', '.join(offer['degraded'])}")

        yield visit


@asynccontextmanager
async def buy(urls: Mapping[str, str]) -> AsyncIterator[Visit]:
    """Buy one piece of what there is most of."""
    async with _buyer(urls) as (buyer, offers):
        left = {offer["product_id"]: offer["available"] or 0 for offer in offers}

        async def visit() -> None:
            product = max(left, key=left.__getitem__)
            left[product] -= 1
            served(await buyer.buy(product), "buy", 201, 202)

        yield visit


#: What a drill may have visitors do.
JOURNEYS = {"look": look, "whole-offer": whole_offer, "buy": buy}
