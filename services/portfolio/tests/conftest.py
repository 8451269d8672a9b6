"""A portfolio in memory: tables that refuse and roll back, a market with a price, jobs."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tarmac_kit import Claims, Problem
from tarmac_kit_testing import FakeJobs
from tarmac_portfolio.book import Book
from tarmac_portfolio.domain import (
    Account,
    Deposit,
    Kind,
    Order,
    Position,
    Posting,
    Quote,
    Side,
    Status,
    Trade,
    Wish,
)
from tarmac_portfolio.limits import Limits
from tarmac_portfolio.service import LIMIT_ORDER, Portfolios


class Tables:
    """What a database keeps, its constraints, and a portfolio repository over it."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.held: dict[tuple[str, str], Position] = {}
        self.deposits: dict[tuple[str, str], Deposit] = {}
        self.placed: dict[UUID, Order] = {}
        self.keys: dict[tuple[str, str], UUID] = {}
        self.traded: list[tuple[str, Trade]] = []
        self.ledger: list[tuple[str, str | None, UUID | None, Posting]] = []

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Tables]:
        yield self

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tables]:
        kept = copy.deepcopy(vars(self))
        try:
            yield self
        except BaseException:
            vars(self).update(kept)
            raise

    async def account(self, _connection: Any, owner: str) -> Account | None:
        return self.accounts.get(owner)

    async def lock_account(self, _connection: Any, owner: str, currency: str) -> Account:
        return self.accounts.setdefault(owner, Account(owner, currency, 0, 0))

    async def positions(self, _connection: Any, owner: str) -> list[Position]:
        mine = [position for (whose, _), position in self.held.items() if whose == owner]
        return sorted(
            (position for position in mine if position.quantity),
            key=lambda position: position.symbol,
        )

    async def position(self, _connection: Any, owner: str, symbol: str) -> Position:
        return self.held.get((owner, symbol), Position(symbol))

    async def post(
        self, _connection, owner, posting, *, symbol=None, deposit_id=None, order_id=None
    ):
        assert (deposit_id is None) != (order_id is None)
        kinds = [entry.kind for _, _, of, entry in self.ledger if of == order_id]
        assert order_id is None or posting.kind not in kinds, "once_per_order"
        self.ledger.append((owner, symbol, order_id, posting))
        account = self.accounts[owner]
        account = replace(
            account,
            cash_minor=account.cash_minor + posting.cash_minor,
            held_minor=account.held_minor + posting.held_minor,
        )
        assert 0 <= account.held_minor <= account.cash_minor, "never_overdrawn"
        self.accounts[owner] = account
        if symbol is not None:
            before = self.held.get((owner, symbol), Position(symbol))
            after = Position(
                symbol,
                before.quantity + posting.quantity,
                before.held + posting.held,
                before.cost_minor + posting.cost_minor,
            )
            assert 0 <= after.held <= after.quantity, "never_short"
            assert after.cost_minor >= 0, "no_cost_without_shares"
            assert after.quantity or not after.cost_minor, "no_cost_without_shares"
            self.held[owner, symbol] = after

    async def find_deposit(self, _connection: Any, owner: str, key: str) -> Deposit | None:
        return self.deposits.get((owner, key))

    async def add_deposit(self, _connection, deposit_id, owner, key, amount_minor):
        made = Deposit(deposit_id, owner, amount_minor, datetime.now(UTC))
        self.deposits[owner, key] = made
        return made

    async def add_order(
        self, _connection, order_id, owner, key, wish, *, status, reason, price_minor, expires_at
    ):
        now = datetime.now(UTC)
        order = Order(
            seq=len(self.placed) + 1,
            id=order_id,
            owner=owner,
            **vars(wish),
            status=status,
            reason=reason,
            price_minor=price_minor,
            created_at=now,
            updated_at=now,
            expires_at=expires_at,
        )
        self.placed[order_id] = order
        self.keys[owner, key] = order_id
        return order

    async def find_order(self, _connection: Any, owner: str, order_id: UUID) -> Order | None:
        found = self.placed.get(order_id)
        return found if found and found.owner == owner else None

    async def find_order_by_key(self, _connection: Any, owner: str, key: str) -> Order | None:
        return self.placed.get(self.keys.get((owner, key), uuid4()))

    async def orders(self, _connection, owner, *, status, before, limit):
        found = [
            order
            for order in self.placed.values()
            if order.owner == owner
            and status in {None, order.status}
            and (before is None or order.seq < before)
        ]
        return sorted(found, key=lambda order: -order.seq)[:limit]

    async def count_open(self, _connection, owner):
        return sum(o.owner == owner and o.status is Status.OPEN for o in self.placed.values())

    async def end_order(
        self, _connection, owner, order_id, *, status, reason=None, price_minor=None
    ):
        order = self.placed[order_id]
        if order.owner != owner or order.status is not Status.OPEN:
            return None
        ended = replace(order, status=status, reason=reason, price_minor=price_minor)
        self.placed[order_id] = ended
        return ended

    async def add_trade(self, _connection, order, *, quote_seq, realised_minor):
        assert all(trade.order_id != order.id for _, trade in self.traded)
        trade = Trade(
            len(self.traded) + 1,
            order.id,
            order.symbol,
            order.side,
            order.quantity,
            order.price_minor,
            quote_seq,
            realised_minor,
            datetime.now(UTC),
        )
        self.traded.append((order.owner, trade))

    async def trades(self, _connection, owner, *, before, limit):
        mine = [trade for whose, trade in self.traded if whose == owner]
        mine = [trade for trade in mine if before is None or trade.seq < before]
        return mine[::-1][:limit]

    def reconcile(self) -> None:
        """Hold cash and positions against the ledger, and the ledger against orders and trades."""
        cash: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        shares: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        for owner, symbol, _, posting in self.ledger:
            cash[owner][0] += posting.cash_minor
            cash[owner][1] += posting.held_minor
            if symbol is not None:
                sums = shares[owner, symbol]
                sums[0] += posting.quantity
                sums[1] += posting.held
                sums[2] += posting.cost_minor
        for owner, account in self.accounts.items():
            assert [account.cash_minor, account.held_minor] == cash[owner]
        for whose, position in self.held.items():
            assert [position.quantity, position.held, position.cost_minor] == shares[whose]
        filled = {order.id for order in self.placed.values() if order.status is Status.FILLED}
        assert filled == {trade.order_id for _, trade in self.traded}
        opened = [order for order in self.placed.values() if order.status is Status.OPEN]
        held = sum(o.quantity * (o.limit_price_minor or 0) for o in opened if o.side is Side.BUY)
        assert held == sum(account.held_minor for account in self.accounts.values())
        for_sale = sum(order.quantity for order in opened if order.side is Side.SELL)
        assert for_sale == sum(position.held for position in self.held.values())
        paid = sum(deposit.amount_minor for deposit in self.deposits.values())
        spent = sum(
            trade.quantity * trade.price_minor * (1 if trade.side is Side.BUY else -1)
            for _, trade in self.traded
        )
        assert sum(account.cash_minor for account in self.accounts.values()) == paid - spent


@dataclass
class Exchange:
    """A market whose prices a test sets."""

    price_minor: int = 1_000
    currency: str = "USD"
    away: bool = False
    asked: int = 0

    async def quote(self, symbol: str) -> Quote:
        self.asked += 1
        if self.away:
            raise Problem(503, "quotes_unavailable", "Nothing can be traded now")
        return Quote(symbol, self.currency, self.price_minor, datetime.now(UTC), self.asked)

    shared_quote = quote

    async def prices(self, symbols: Any) -> dict[str, int]:
        return {} if self.away else dict.fromkeys(symbols, self.price_minor)


@dataclass
class Desk:
    """Portfolios with everything around them faked."""

    tables: Tables = field(default_factory=Tables)
    market: Exchange = field(default_factory=Exchange)
    jobs: FakeJobs = field(default_factory=FakeJobs)
    now: datetime = datetime(2026, 5, 4, 15, 0, tzinfo=UTC)

    def __post_init__(self) -> None:
        around: dict[str, Any] = {
            "database": self.tables,
            "portfolios": self.tables,
            "book": Book(self.tables),  # type: ignore[arg-type]
            "market": self.market,
            "jobs": self.jobs,
            "currency": "USD",
            "now": lambda: self.now,
        }
        self.portfolios = Portfolios(**around)
        self.limits = Limits(**around, check_s=1.0)
        self.jobs.handle(LIMIT_ORDER, self.limits.run, attempts=None)
        self.ann = Claims("ann", "ann@example.com", frozenset(), "t", 0)
        self.bob = Claims("bob", "bob@example.com", frozenset(), "t", 0)

    async def deposit(self, amount_minor: int, user: Claims | None = None) -> None:
        await self.portfolios.deposit(user or self.ann, uuid4().hex, amount_minor)

    async def place(
        self,
        side: Side,
        quantity: int,
        limit_price_minor: int | None = None,
        *,
        user: Claims | None = None,
        key: str | None = None,
    ) -> Order:
        kind = Kind.MARKET if limit_price_minor is None else Kind.LIMIT
        wish = Wish("TARM", side, kind, quantity, limit_price_minor)
        return (await self.portfolios.place(user or self.ann, key or uuid4().hex, wish)).order

    async def buy(self, quantity: int, limit_price_minor: int | None = None, **more: Any) -> Order:
        return await self.place(Side.BUY, quantity, limit_price_minor, **more)

    async def sell(self, quantity: int, limit_price_minor: int | None = None, **more: Any) -> Order:
        return await self.place(Side.SELL, quantity, limit_price_minor, **more)

    async def has(self, user: Claims | None = None) -> tuple[int, int, int, int]:
        """Tell cash, held cash, shares and held shares."""
        account = await self.portfolios.account(user or self.ann)
        valued = await self.portfolios.positions(user or self.ann)
        position = valued[0].position if valued else Position("TARM")
        return account.cash_minor, account.held_minor, position.quantity, position.held

    def next_day(self) -> None:
        self.now += timedelta(days=1)


@pytest.fixture
def desk():
    """Give a desk whose books are held against each other at the end."""
    made = Desk()
    yield made
    made.tables.reconcile()


@pytest.fixture(scope="session")
def new_desk():
    """Give a way to desks of a test's own."""
    return Desk
