"""Deposit, trade, cancel, and show what a user has.

Called by the endpoints. A quote is asked for before a transaction begins, never inside one. Knows
nothing of HTTP except the problems it raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID, uuid4

from tarmac_kit import Claims, Database, Problem
from tarmac_portfolio.book import Book
from tarmac_portfolio.domain import (
    MAX_CASH_MINOR,
    MAX_OPEN_ORDERS,
    Account,
    Deposit,
    Entry,
    Order,
    Position,
    Posting,
    Reason,
    Status,
    Trade,
    Wish,
    end_of_day,
    may_fill,
)
from tarmac_portfolio.repository import PortfolioRepository
from tarmac_portfolio.upstream import Market, utc_now

#: The kind of the job that stands for an open limit order; the job has the order's id.
LIMIT_ORDER = "limit-order"


class AddsJobs(Protocol):
    """The part of the kit's jobs that is used here."""

    async def add(
        self,
        conn: Any,
        *,
        kind: str,
        payload: Mapping[str, Any],
        id: UUID | None = None,  # noqa: A002 - the kit's name for it
    ) -> UUID: ...

    async def wake(self, conn: Any, job_id: UUID) -> None: ...


@dataclass(frozen=True)
class DepositResult:
    """A deposit, and whether an earlier request with the same key had made it."""

    deposit: Deposit
    currency: str
    replayed: bool


@dataclass(frozen=True)
class PlacedOrder:
    """An order, and whether an earlier request with the same key had made it."""

    order: Order
    replayed: bool


@dataclass(frozen=True)
class ValuedPosition:
    """A position, and what one share costs now, if that is known."""

    position: Position
    price_minor: int | None


@dataclass(frozen=True)
class Portfolios:
    """All accounts; each function is about one user's own."""

    database: Database
    portfolios: PortfolioRepository
    book: Book
    market: Market
    jobs: AddsJobs
    #: Of accounts that are opened.
    currency: str
    now: Callable[[], datetime] = utc_now

    async def account(self, user: Claims) -> Account:
        """Read the account; one that was not used yet is empty."""
        async with self.database.connection() as connection:
            found = await self.portfolios.account(connection, user.subject)
        return found or Account(user.subject, self.currency, 0, 0)

    async def positions(self, user: Claims) -> Sequence[ValuedPosition]:
        """Read the positions, with prices as far as the market can be asked."""
        async with self.database.connection() as connection:
            found = await self.portfolios.positions(connection, user.subject)
        prices = await self.market.prices(position.symbol for position in found)
        return [ValuedPosition(position, prices.get(position.symbol)) for position in found]

    async def deposit(self, user: Claims, key: str, amount_minor: int) -> DepositResult:
        """Put cash into the account, once per user and key."""
        owner = user.subject
        async with self.database.transaction() as connection:
            account = await self.portfolios.lock_account(connection, owner, self.currency)
            found = await self.portfolios.find_deposit(connection, owner, key)
            if found is not None:
                if found.amount_minor != amount_minor:
                    raise _key_reused(f"deposit {found.id} was of another amount")
                return DepositResult(found, account.currency, replayed=True)
            if account.cash_minor + amount_minor > MAX_CASH_MINOR:
                raise Problem(
                    409,
                    "account_full",
                    "An account cannot hold so much",
                    f"at most {MAX_CASH_MINOR} {account.currency} in minor units",
                )
            made = await self.portfolios.add_deposit(connection, uuid4(), owner, key, amount_minor)
            posting = Posting(Entry.DEPOSIT, cash_minor=amount_minor)
            await self.portfolios.post(connection, owner, posting, deposit_id=made.id)
        return DepositResult(made, account.currency, replayed=False)

    async def place(self, user: Claims, key: str, wish: Wish) -> PlacedOrder:
        """Take an order once per user and key: filled at the quote now, or left open.

        One that its account cannot bear is kept as rejected and is a problem 409, for every
        request with this key. Without a quote nothing is kept: a problem 503; nor of one open order
        too many: a problem 409.
        """
        owner = user.subject
        async with self.database.connection() as connection:
            found = await self.portfolios.find_order_by_key(connection, owner, key)
        if found is not None:
            return _replayed(found, wish)
        quote = await self.market.quote(wish.symbol)
        async with self.database.transaction() as connection:
            account = await self.portfolios.lock_account(connection, owner, self.currency)
            # Another request with this key may have been first while the quote was asked for.
            found = await self.portfolios.find_order_by_key(connection, owner, key)
            if found is not None:
                return _replayed(found, wish)
            if quote.currency != account.currency:
                raise Problem(
                    422,
                    "currency_mismatch",
                    "This account trades in another currency",
                    f"{wish.symbol} is in {quote.currency}, the account in {account.currency}",
                )
            if not may_fill(wish, quote.price_minor):
                await self._has_room(connection, owner)
            order = await self.book.begin(
                connection,
                account,
                uuid4(),
                key,
                wish,
                quote,
                expires_at=end_of_day(self.now()),
            )
            if order.status is Status.OPEN:
                payload = {"owner": owner, "order_id": str(order.id)}
                await self.jobs.add(connection, kind=LIMIT_ORDER, payload=payload, id=order.id)
        # After the commit: that it was rejected stays in the account's history.
        _raise_if_rejected(order, replayed=False)
        return PlacedOrder(order, replayed=False)

    async def _has_room(self, connection: Any, owner: str) -> None:
        if await self.portfolios.count_open(connection, owner) >= MAX_OPEN_ORDERS:
            raise Problem(
                409,
                "too_many_open_orders",
                "There are too many open orders",
                f"an account has at most {MAX_OPEN_ORDERS}; cancel one, then send this again",
            )

    async def cancel(self, user: Claims, order_id: UUID) -> Order:
        """End an own open order; again is fine, one that is filled is a problem 409."""
        owner = user.subject
        async with self.database.transaction() as connection:
            order = await self.portfolios.find_order(connection, owner, order_id)
            if order is None:
                raise _unknown(order_id)
            await self.portfolios.lock_account(connection, owner, self.currency)
            ended = await self.book.close(connection, order, Status.CANCELLED, Reason.BY_OWNER)
            if ended is not None:
                # It has nothing left to do, and says so at once.
                await self.jobs.wake(connection, order_id)
                return ended
            order = await self.portfolios.find_order(connection, owner, order_id)
        if order is None:
            raise _unknown(order_id)
        if order.status in {Status.CANCELLED, Status.EXPIRED}:
            return order
        raise Problem(
            409,
            "not_cancellable",
            "This order cannot be cancelled any more",
            f"order {order_id} is {order.status}",
        )

    async def order(self, user: Claims, order_id: UUID) -> Order:
        """Read an order of the user's own; else problem 404."""
        async with self.database.connection() as connection:
            found = await self.portfolios.find_order(connection, user.subject, order_id)
        if found is None:
            raise _unknown(order_id)
        return found

    async def orders(
        self, user: Claims, *, status: Status | None, before: int | None, limit: int
    ) -> Sequence[Order]:
        """List the user's own orders, latest first."""
        async with self.database.connection() as connection:
            return await self.portfolios.orders(
                connection, user.subject, status=status, before=before, limit=limit
            )

    async def trades(self, user: Claims, *, before: int | None, limit: int) -> Sequence[Trade]:
        """List the user's own trades, latest first."""
        async with self.database.connection() as connection:
            return await self.portfolios.trades(
                connection, user.subject, before=before, limit=limit
            )


def _replayed(order: Order, wish: Wish) -> PlacedOrder:
    if order.wish != wish:
        raise _key_reused(f"order {order.id} was for something else")
    _raise_if_rejected(order, replayed=True)
    return PlacedOrder(order, replayed=True)


def _raise_if_rejected(order: Order, *, replayed: bool) -> None:
    if order.status is not Status.REJECTED:
        return
    what = "cash" if order.reason == Reason.INSUFFICIENT_FUNDS else f"shares of {order.symbol}"
    raise Problem(
        409,
        order.reason or "rejected",
        f"There is not enough {what}",
        f"order {order.id} is rejected; what other open orders hold does not count",
        headers={"Idempotency-Replayed": "true"} if replayed else None,
        order_id=str(order.id),
    )


def _key_reused(detail: str) -> Problem:
    return Problem(
        422,
        "idempotency_key_reused",
        "This Idempotency-Key belongs to another request",
        f"{detail}; use a new key",
    )


def _unknown(order_id: UUID) -> Problem:
    return Problem(404, "order_unknown", "There is no such order", str(order_id))
