"""Customers of each system who insist while its processes are killed, and what must hold then.

Each customer orders again and again with a key of its own, and repeats a key until the system says
yes or no. Afterwards the rows must be what customers were told: each accepted order has ended, no
other is confirmed, and every invariant that the system's file declares holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from copies import Copy
from journeys import journeys_of
from shopping import RETRY_S, SHORT, TOKENS

CUSTOMERS = 6
#: A customer of the shop may ask ten times a second.
PAUSE_S = 0.05
#: The longest that a customer insists on one order.
INSISTS_S = 120.0
WITHIN_S = 120.0
SHARES = 1_000_000_00
#: Besides what is short: a part was away for as long as a purchase may take.
EXCUSED = (*SHORT, "too_late")
#: There are enough for every order; written as staff's count is, a level with its ledger row.
FILL = """
WITH counted AS (UPDATE stock SET on_hand = on_hand + 100000 RETURNING product_id)
INSERT INTO stock_ledger (product_id, movement, on_hand_change, reserved_change, actor)
SELECT product_id, 'count', 100000, 0, 'storm' FROM counted RETURNING seq
"""

#: Send the order with a key; the same order whenever it is called.
Place = Callable[[str], Awaitable[Any]]


@dataclass
class Customer:
    """A person of the system's journeys, and how one decides on the next order."""

    person: Any
    #: Each call decides on one order; how it must end is `confirmed` unless it is declined.
    decide: Callable[[], tuple[Place, str]]


@dataclass(frozen=True)
class Storm:
    """A system's orders: who places them, and the rows that keep them."""

    system: str
    #: The node with the public address, and the attribute of a person that has it.
    front: str
    attribute: str
    enter: Callable[[Any, random.Random], Awaitable[Customer]]
    person: str
    store: str
    #: Selects id, state and reason of each order.
    orders: str
    good: str = "confirmed"
    ended: Sequence[str] = ("confirmed", "cancelled")
    #: The store whose stock is filled before.
    stock: str = ""


def code(reason: str | None) -> str:
    """Return the code of a reason, without its words."""
    return (reason or "").partition(":")[0]


def _card(chance: random.Random) -> tuple[str, str]:
    [token] = chance.choices(list(TOKENS), [weight for weight, _ in TOKENS.values()])
    return token, TOKENS[token][1]


async def _shopper(person: Any, chance: random.Random) -> Customer:
    found = (await person.ask("GET", "/api/products?limit=100")).data
    products = [product["id"] for product in found["items"]]

    def decide() -> tuple[Place, str]:
        product, (token, end) = chance.choice(products), _card(chance)
        return lambda key: person.order(product, key=key, payment_token=token), end

    return Customer(person, decide)


async def _traveller(person: Any, chance: random.Random) -> Customer:
    found = (await person.ask("GET", "/products?limit=100")).data
    trips = [trip["id"] for trip in found["items"]]

    def decide() -> tuple[Place, str]:
        trip, (token, end) = chance.choice(trips), _card(chance)

        async def place(key: str) -> Any:
            put = await person.put(trip)
            if put.status != 200:
                return put
            return await person.check_out(payment_token=token, key=key)

        return place, end

    return Customer(person, decide)


async def _trader(person: Any, chance: random.Random) -> Customer:
    assert (await person.deposit(SHARES)).status == 201
    symbols = list(await person.instruments())

    def decide() -> tuple[Place, str]:
        symbol = chance.choice(symbols)
        return lambda key: person.buy(symbol, 1, key=key), "filled"

    return Customer(person, decide)


async def _buyer(person: Any, chance: random.Random) -> Customer:
    found = (await person.ask("GET", "/offers?limit=50")).data
    offers = [offer["product_id"] for offer in found["offers"]]

    def decide() -> tuple[Place, str]:
        offer = chance.choice(offers)
        return lambda key: person.buy(offer, key=key), "confirmed"

    return Customer(person, decide)


async def _person(person: Any, chance: random.Random) -> Customer:
    def decide() -> tuple[Place, str]:
        price = chance.randint(100, 9000)
        return lambda key: person.order("Espresso cup", price, key=key), "confirmed"

    return Customer(person, decide)


ORDERS = "SELECT id, state, reason FROM orders"
STORMS = [
    Storm(
        *("shop", "api-gateway", "gateway", _shopper, "Shopper", "orders-db", ORDERS),
        stock="products-db",
    ),
    Storm(
        *("travel", "entry:api", "api", _traveller, "Traveller", "orders-db", ORDERS),
        stock="catalog-db",
    ),
    Storm(
        *("trading", "entry", "address", _trader, "Trader", "portfolio-db"),
        "SELECT id, status, reason FROM trade_orders",
        good="filled",
        ended=("filled", "rejected"),
    ),
    Storm(
        *("hello-dd", "api-gateway", "gateway", _buyer, "Buyer", "gateway-db"),
        "SELECT id, state, reason FROM purchases",
        stock="inventory-db",
    ),
    Storm("starter", "entry", "address", _person, "Person", "orders-db", ORDERS),
]


@dataclass
class Load:
    """Customers of a copy who order until they are told to stop."""

    storm: Storm
    copy: Copy
    chance: random.Random
    address: str = ""
    customers: list[Customer] = field(default_factory=list)
    #: Order's id -> how it must end.
    accepted: dict[str, str] = field(default_factory=dict)
    #: What the customers met besides: statuses of refusals, names of errors.
    met: Counter[str] = field(default_factory=Counter)
    #: Keys whose customer gave up without a yes or no.
    unknown: set[str] = field(default_factory=set)
    #: Orders that were there before.
    seeded: frozenset[str] = frozenset()
    stopping: bool = False

    async def bring_up(self) -> None:
        """Bring the system up; another program may have taken its port meanwhile."""
        await asyncio.to_thread(self.copy.up)
        urls = await asyncio.to_thread(self.copy.urls)
        self.address = urls[self.storm.front]
        for customer in self.customers:
            setattr(customer.person, self.storm.attribute, self.address)

    async def order(self, customer: Customer) -> None:
        """Place one order, however long it takes."""
        place, end = customer.decide()
        key, last = uuid.uuid4().hex, ""
        self.unknown.add(key)
        until = time.monotonic() + INSISTS_S
        while time.monotonic() < until:
            try:
                answer = await place(key)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self.met[type(error).__name__] += 1
                last = repr(error)
                await asyncio.sleep(RETRY_S)
                continue
            data = answer.data if isinstance(answer.data, dict) else {}
            found = data.get("id") or data.get("purchase_id")
            if answer.status in (201, 202) or (answer.status == 409 and found):
                doubled = found in self.accepted
                assert not doubled, f"two keys have one order: {found}"
                self.accepted[found] = end
            if answer.status in (201, 202, 409, 422):
                self.unknown.discard(key)
                if answer.status in (409, 422):
                    self.met[f"{answer.status} {data.get('error', data)}"[:120]] += 1
                return
            self.met[str(answer.status)] += 1
            if answer.status == 401:
                await self._log_in(customer.person)
            last = f"{answer.status} {answer.data}"
            await asyncio.sleep(min(float(answer.headers.get("Retry-After", RETRY_S)), 2.0))
        raise TimeoutError(f"no answer for {INSISTS_S:g} s, at last {last}: {dict(self.met)}")

    async def _log_in(self, person: Any) -> None:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            await getattr(person, "log_in", person.sign_up)()

    async def _shop(self, customer: Customer) -> None:
        while not self.stopping:
            await self.order(customer)
            await asyncio.sleep(PAUSE_S)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Have customers sign up and order meanwhile; each finishes its last order."""
        kind = getattr(journeys_of(self.storm.system), self.storm.person)
        if self.storm.stock:
            assert await self.copy.rows(self.storm.stock, FILL)
        self.seeded = frozenset(await self._rows())
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as session:
            for _ in range(CUSTOMERS):
                person = kind(session, self.address)
                if hasattr(person, "sign_up"):
                    assert (await person.sign_up()).status == 201
                self.customers.append(await self.storm.enter(person, self.chance))
            async with asyncio.TaskGroup() as group:
                for customer in self.customers:
                    group.create_task(self._shop(customer))
                try:
                    yield
                finally:
                    self.stopping = True

    async def wrong(self) -> list[str]:
        """List what the rows have that customers were not told, and the other way round."""
        found = [f"keys without an answer: {self.unknown}"] if self.unknown else []
        rows = await self._ended()
        found += [f"{one} was accepted and is lost" for one in self.accepted.keys() - rows.keys()]
        for order, (state, reason) in rows.items():
            expected = self.accepted.get(order)
            if state not in self.storm.ended:
                found.append(f"{order} has not ended: {state}")
            elif expected is None and state == self.storm.good:
                found.append(f"{order} is {state} and nobody was told")
            elif expected not in (None, state) and code(reason) not in EXCUSED:
                found.append(f"{order} is {state} ({reason}), not {expected}")
        done = await asyncio.to_thread(self.copy.tarmac, "invariants", "--json", "--within", "60")
        assert done.returncode in (0, 1), done.stderr
        verdicts = json.loads(done.stdout)
        assert verdicts
        return found + [
            f"{verdict['name']}: {verdict['wrong'][:3]}"
            for verdict in verdicts
            if not verdict["holds"]
        ]

    async def _rows(self) -> dict[str, tuple[str, str | None]]:
        found = await self.copy.rows(self.storm.store, self.storm.orders)
        rows = {str(order): (state, reason) for order, state, reason in found}
        return {order: row for order, row in rows.items() if order not in self.seeded}

    async def _ended(self) -> dict[str, tuple[str, str | None]]:
        """Wait until every order has ended, or for so long; return state and reason of each."""
        until = time.monotonic() + WITHIN_S
        while True:
            rows = await self._rows()
            if all(state in self.storm.ended for state, _ in rows.values()):
                return rows
            if time.monotonic() > until:
                return rows
            await asyncio.sleep(0.2)
