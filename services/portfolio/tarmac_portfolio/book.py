"""What is written when an order begins and when it ends: the order, its postings, its trade.

Called by the service and the limit orders' job, inside a transaction that has the account's lock.
It decides nothing about prices and calls no service.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from tarmac_portfolio.domain import (
    Account,
    Order,
    Quote,
    Reason,
    Status,
    Wish,
    fill,
    hold,
    may_fill,
    obstacle,
    realised_minor,
    release,
)
from tarmac_portfolio.repository import PortfolioRepository

if TYPE_CHECKING:
    from tarmac_kit.database import Connection


@dataclass(frozen=True)
class Book:
    """Writes orders and what they change."""

    portfolios: PortfolioRepository

    async def begin(
        self,
        connection: Connection,
        account: Account,
        order_id: UUID,
        key: str,
        wish: Wish,
        quote: Quote,
        *,
        expires_at: datetime,
    ) -> Order:
        """Take an order: filled at the quote, open with what it holds, or rejected."""
        position = await self.portfolios.position(connection, account.owner, wish.symbol)
        at_once = may_fill(wish, quote.price_minor)
        worst_minor = quote.price_minor if at_once else wish.limit_price_minor or 0
        reason = obstacle(wish, worst_minor, account, position)
        if reason is not None:
            status = Status.REJECTED
        else:
            status = Status.FILLED if at_once else Status.OPEN
        order = await self.portfolios.add_order(
            connection,
            order_id,
            account.owner,
            key,
            wish,
            status=status,
            reason=reason,
            price_minor=quote.price_minor if status is Status.FILLED else None,
            expires_at=expires_at if status is Status.OPEN else None,
        )
        if status is Status.FILLED:
            await self._exchange(connection, order, quote)
        elif status is Status.OPEN:
            await self.portfolios.post(
                connection, account.owner, hold(wish), symbol=wish.symbol, order_id=order.id
            )
        return order

    async def fill(self, connection: Connection, order: Order, quote: Quote) -> Order | None:
        """Fill an open order at a quote; None when it is open no more."""
        ended = await self.portfolios.end_order(
            connection,
            order.owner,
            order.id,
            status=Status.FILLED,
            price_minor=quote.price_minor,
        )
        if ended is not None:
            await self._set_free(connection, ended)
            await self._exchange(connection, ended, quote)
        return ended

    async def close(
        self, connection: Connection, order: Order, status: Status, reason: Reason
    ) -> Order | None:
        """End an open order without a trade; None when it is open no more."""
        ended = await self.portfolios.end_order(
            connection, order.owner, order.id, status=status, reason=reason
        )
        if ended is not None:
            await self._set_free(connection, ended)
        return ended

    async def _set_free(self, connection: Connection, order: Order) -> None:
        await self.portfolios.post(
            connection, order.owner, release(order.wish), symbol=order.symbol, order_id=order.id
        )

    async def _exchange(self, connection: Connection, order: Order, quote: Quote) -> None:
        position = await self.portfolios.position(connection, order.owner, order.symbol)
        posting = fill(order.wish, quote.price_minor, position)
        await self.portfolios.post(
            connection, order.owner, posting, symbol=order.symbol, order_id=order.id
        )
        await self.portfolios.add_trade(
            connection, order, quote_seq=quote.seq, realised_minor=realised_minor(posting)
        )
