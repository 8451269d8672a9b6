"""The running shop under load: customers who insist, whom to kill, and what must hold then."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import promises
from copies import Copy
from journeys import journeys_of
from promises import DOUBLED, LOST, OVERSOLD

#: Payment tokens by how often they are used, and how an order with it must end.
TOKENS = {
    "tok_ok": (6, "confirmed"),
    "tok_declined": (1, "cancelled"),
    "tok_timeout": (1, "confirmed"),
    "tok_twice": (1, "confirmed"),
    "tok_error_once": (1, "confirmed"),
}
#: Why an order may end otherwise: there was none left, or somebody was gone for too long.
SHORT = ("out_of_stock", "reservation_expired")
#: A customer may ask ten times a second, and looks at orders meanwhile.
RETRY_S = 0.25
WORDS = ("tumblers", "kettle", "lamp", "towel")


Shopper = journeys_of("shop").Shopper


@dataclass(frozen=True)
class Order:
    """An order that was accepted."""

    shopper: Any
    id: str
    token: str


@dataclass
class Load:
    """Customers who buy until they are told to stop; each insists until an order is accepted."""

    shop: Copy
    choices: random.Random
    gateway: str = ""
    accepted: dict[str, Order] = field(default_factory=dict)
    #: What they met besides: statuses of refusals, names of errors.
    met: Counter[str] = field(default_factory=Counter)
    shoppers: list[Any] = field(default_factory=list)
    #: Keys that were given up without an answer that says yes or no.
    unknown: set[str] = field(default_factory=set)
    stopping: bool = False
    products: list[dict[str, Any]] = field(default_factory=list)
    #: What was lost, doubled, oversold; known at the end.
    tally: Counter[str] = field(default_factory=Counter)

    async def bring_up(self) -> None:
        """Bring the shop up; somebody else's may have taken its port, so it may have moved."""
        up = await asyncio.to_thread(self.shop.up)
        self.gateway = next(node["url"] for node in up["nodes"] if node["name"] == "api-gateway")
        for shopper in self.shoppers:
            shopper.gateway = self.gateway

    async def buy(self, shopper: Any, token: str = "tok_ok", within_s: float = 90) -> float:
        """Place one order, however long it takes; return for how many seconds."""
        key, began, last = uuid.uuid4().hex, time.monotonic(), ""
        product = self.choices.choice(self.products)
        self.unknown.add(key)
        while time.monotonic() < began + within_s:
            try:
                answer = await shopper.order(product["id"], key=key, payment_token=token)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self.met[type(error).__name__] += 1
                last = repr(error)
                await asyncio.sleep(RETRY_S)
                continue
            if answer.status in (201, 202):
                self.accepted[key] = Order(shopper, answer.data["id"], token)
            if answer.status in (201, 202, 409, 422):
                self.unknown.discard(key)
                return time.monotonic() - began
            self.met[str(answer.status)] += 1
            if answer.status == 401:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                    self.met[f"login {(await shopper.log_in()).status}"] += 1
            last = f"{answer.status} {answer.data}"
            await asyncio.sleep(float(answer.headers.get("Retry-After", RETRY_S)))
        raise TimeoutError(f"no order for {within_s:g} s, at last {last}: {dict(self.met)}")

    async def _customer(self, shopper: Any) -> None:
        tokens, weights = list(TOKENS), [weight for weight, _ in TOKENS.values()]
        while not self.stopping:
            await self.buy(shopper, *self.choices.choices(tokens, weights))
            await asyncio.sleep(0.05)

    @contextlib.asynccontextmanager
    async def running(self, customers: int = 4) -> AsyncIterator[None]:
        """Have customers sign up and buy meanwhile; they finish what they are at."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as session:
            for _ in range(customers):
                shopper = Shopper(session, self.gateway)
                assert (await shopper.sign_up()).status == 201
                self.shoppers.append(shopper)
            self.products = [await self.shoppers[0].find(word) for word in WORDS]
            async with asyncio.TaskGroup() as group:
                for shopper in self.shoppers:
                    group.create_task(self._customer(shopper))
                try:
                    yield
                finally:
                    self.stopping = True
            await self._check()

    async def _check(self) -> None:
        """Hold what the shop promises against what it kept, and count what was not kept."""
        ended, found = {}, Counter(dict.fromkeys((LOST, DOUBLED, OVERSOLD), 0))
        self.tally, wrong = found, []
        for key, order in self.accepted.items():
            try:
                end = await order.shopper.ended(order.id, 60)
            except TimeoutError as error:
                found[LOST] += 1
                wrong.append(str(error))
                continue
            ended[key] = end["status"]
            if end["status"] != TOKENS[order.token][1] and end["reason"] not in SHORT:
                found[LOST] += 1
                wrong.append(f"{order.id} of {order.token} is {end['status']}: {end['reason']}")
            self.met[end["reason"] or end["status"]] += 1
        if self.unknown:
            found[LOST] += len(self.unknown)
            wrong.append(f"keys without an answer: {self.unknown}")
        if twice := len(self.accepted) - len({order.id for order in self.accepted.values()}):
            found[DOUBLED] += twice
            wrong.append(f"{twice} keys have the order of another")
        confirmed = sum(status == "confirmed" for status in ended.values())
        of_all = "SELECT count(*) FROM orders WHERE state = 'confirmed'"
        ((count,),) = await self.shop.rows("orders-db", of_all)
        if count != confirmed:
            found[DOUBLED if count > confirmed else LOST] += abs(count - confirmed)
            wrong.append(f"{confirmed} were told to customers as confirmed, {count} are")
        done = await asyncio.to_thread(self.shop.tarmac, "invariants", "--json", "--within", "60")
        assert done.returncode in (0, 1), done.stderr
        verdicts = json.loads(done.stdout)
        assert sorted(promises.SHOP) == sorted(verdict["name"] for verdict in verdicts)
        for verdict in verdicts:
            if not verdict["holds"]:
                found[promises.SHOP[verdict["name"]]] += len(verdict["wrong"])
                wrong.append(f"{verdict['name']}: {verdict['wrong'][:3]}")
        assert not wrong, f"{dict(found)}: {'; '.join(wrong)}"
