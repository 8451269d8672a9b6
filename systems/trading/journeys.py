"""What a trader does, step by step, through the system's public address alone.

Used by the end-to-end tests and by drills; knows nothing of Tarmac, of services behind the gateway
or of stores.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from answers import Answer, Visit, ask, many_connections, served

POLL_S = 0.05
#: Traders of a load, which take turns, and what each has to begin with.
TRADERS = 10
CASH_MINOR = 50_000_000


@dataclass(frozen=True)
class Event:
    """A server-sent event: its id, if it has one, and its data."""

    id: str | None
    kind: str
    data: Any


@dataclass
class Trader:
    """One user with a browser of their own."""

    session: aiohttp.ClientSession
    #: The system's address, e.g. http://127.0.0.1:8080
    address: str
    email: str = field(default_factory=lambda: f"tess-{uuid.uuid4().hex[:10]}@example.com")
    password: str = field(default_factory=lambda: f"pw-{uuid.uuid4().hex}")
    token: str = ""

    async def ask(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send one request with the trader's token, if they have one."""
        url = f"{self.address}{path}"
        return await ask(self.session, method, url, body, headers=headers, token=self.token)

    async def sign_up(self) -> Answer:
        """Register and log in."""
        body = {"email": self.email, "password": self.password, "name": "Tess Trader"}
        registered = await self.ask("POST", "/api/users/register", body)
        await self.log_in()
        return registered

    async def log_in(self) -> Answer:
        """Get a token for the password."""
        body = {"email": self.email, "password": self.password}
        answer = await self.ask("POST", "/api/users/login", body)
        if answer.status == 200:
            self.token = answer.data["access_token"]
        return answer

    async def deposit(self, amount_minor: int, *, key: str | None = None) -> Answer:
        """Put cash into the account; a key makes a repetition the same deposit."""
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        body = {"amount_minor": amount_minor}
        return await self.ask("POST", "/api/portfolio/deposits", body, headers=headers)

    async def account(self) -> dict[str, Any]:
        """Ask for cash and what of it is held."""
        found: dict[str, Any] = (await self.ask("GET", "/api/portfolio/account")).data
        return found

    async def positions(self) -> dict[str, dict[str, Any]]:
        """Ask what there is, by symbol."""
        answer = await self.ask("GET", "/api/portfolio/positions")
        return {position["symbol"]: position for position in answer.data["items"]}

    async def instruments(self) -> dict[str, dict[str, Any]]:
        """Ask what can be traded, by symbol."""
        answer = await self.ask("GET", "/api/market/instruments")
        return {instrument["symbol"]: instrument for instrument in answer.data["items"]}

    async def quote(self, symbol: str) -> dict[str, Any]:
        """Ask what an instrument costs now."""
        found: dict[str, Any] = (await self.ask("GET", f"/api/market/quotes/{symbol}")).data
        return found

    async def buy(self, symbol: str, quantity: int, **more: Any) -> Answer:
        """Buy at the quote, or with `limit_minor` at that or less."""
        return await self._order("buy", symbol, quantity, **more)

    async def sell(self, symbol: str, quantity: int, **more: Any) -> Answer:
        """Sell at the quote, or with `limit_minor` at that or more."""
        return await self._order("sell", symbol, quantity, **more)

    async def _order(
        self,
        side: str,
        symbol: str,
        quantity: int,
        *,
        limit_minor: int | None = None,
        key: str | None = None,
    ) -> Answer:
        body: dict[str, Any] = {"symbol": symbol, "side": side, "quantity": quantity}
        body |= {"kind": "market"} if limit_minor is None else {"kind": "limit"}
        if limit_minor is not None:
            body["limit_price_minor"] = limit_minor
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        return await self.ask("POST", "/api/portfolio/orders", body, headers=headers)

    async def insist(self, symbol: str, key: str, within_s: float = 30.0) -> dict[str, Any]:
        """Buy one share with a key, again and again while something is down."""
        end = time.monotonic() + within_s
        while True:
            answer = await self.buy(symbol, 1, key=key)
            if answer.status in (201, 202):
                order: dict[str, Any] = answer.data
                return order
            if answer.status < 500 or time.monotonic() > end:
                raise TimeoutError(f"not accepted: {answer.status} {answer.data}")
            await asyncio.sleep(POLL_S)

    async def order(self, order_id: str) -> dict[str, Any]:
        """Ask what became of an order."""
        found: dict[str, Any] = (await self.ask("GET", f"/api/portfolio/orders/{order_id}")).data
        return found

    async def cancel(self, order_id: str) -> Answer:
        """Cancel an order that stands open."""
        return await self.ask("POST", f"/api/portfolio/orders/{order_id}/cancel")

    async def ended(self, order_id: str, within_s: float = 30.0) -> dict[str, Any]:
        """Wait until an order stands open no more; else TimeoutError."""
        end = time.monotonic() + within_s
        last: Any = None
        while time.monotonic() < end:
            answer = await self.ask("GET", f"/api/portfolio/orders/{order_id}")
            last = answer.data
            if answer.status == 200 and last["status"] != "open":
                order: dict[str, Any] = last
                return order
            await asyncio.sleep(POLL_S)
        raise TimeoutError(f"order {order_id} did not end within {within_s:g} s: {last}")

    async def trades(self) -> list[dict[str, Any]]:
        """Ask for the latest trades, latest first."""
        answer = await self.ask("GET", "/api/portfolio/trades?limit=100")
        found: list[dict[str, Any]] = answer.data["items"]
        return found

    async def watch(self, symbols: str = "", *, after: str | None = None) -> AsyncIterator[Event]:
        """Receive quotes as they come, until the stream ends; a broken one raises."""
        headers = {} if after is None else {"Last-Event-ID": after}
        url = f"{self.address}/api/market/stream"
        timeout = aiohttp.ClientTimeout(total=None, sock_read=30)
        async with self.session.get(
            url, params={"symbols": symbols}, headers=headers, timeout=timeout
        ) as response:
            response.raise_for_status()
            fields: dict[str, str] = {}
            async for line in response.content:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                elif "data" in fields:
                    data = json.loads(fields["data"])
                    yield Event(fields.get("id"), fields.get("event", "message"), data)
                    fields = {}


@asynccontextmanager
async def _traders(urls: Mapping[str, str]) -> AsyncIterator[list[Trader]]:
    async with many_connections() as session:
        traders = [Trader(session, urls["entry"]) for _ in range(TRADERS)]
        for trader in traders:
            served(await trader.sign_up(), "sign up", 201)
            served(await trader.deposit(CASH_MINOR), "deposit", 201)
        yield traders


@asynccontextmanager
async def trade(urls: Mapping[str, str]) -> AsyncIterator[Visit]:
    """Buy one share at the market, of each instrument in turn."""
    async with _traders(urls) as traders:
        symbols = itertools.cycle(await traders[0].instruments())
        turns = itertools.cycle(traders)

        async def visit() -> None:
            served(await next(turns).buy(next(symbols), 1), "buy", 201, 202)

        yield visit


@asynccontextmanager
async def look(urls: Mapping[str, str]) -> AsyncIterator[Visit]:
    """Look at a price and at one's own account."""
    async with _traders(urls) as traders:
        symbols = itertools.cycle(await traders[0].instruments())
        turns = itertools.cycle(traders)

        async def visit() -> None:
            trader = next(turns)
            served(await trader.ask("GET", f"/api/market/quotes/{next(symbols)}"), "quote")
            served(await trader.ask("GET", "/api/portfolio/account"), "account")

        yield visit


#: What a drill may have visitors do.
JOURNEYS = {"trade": trade, "look": look}
