"""Open limit orders: each is a job that looks at the quote again and again until its order ends.

Run by the kit's jobs, in whatever process has the lease. A fill and the end of its job are one
transaction, so an order is filled once however often a process dies. Answers no HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from tarmac_kit import Database, Job, Problem, RetryLater, get_logger
from tarmac_portfolio.book import Book
from tarmac_portfolio.domain import Order, Quote, Reason, Status, may_fill
from tarmac_portfolio.repository import PortfolioRepository
from tarmac_portfolio.upstream import Market, utc_now

#: A price that is this far from an order's limit, in millionths, is near: one that moves by 500 a
#: second comes so far in four seconds. One that is twice as far is looked at half as often.
NEAR_PPM = 1_000
#: The longest pause between two looks, in pauses of an order that is near.
MOST_PATIENT = 10.0

log = get_logger(__name__)


class EndsJobs(Protocol):
    """The part of the kit's jobs that is used here."""

    async def finish(self, conn: Any, job: Job, result: Any = None) -> None: ...


def patience(order: Order, price_minor: int) -> float:
    """Return how much longer than usual an order may wait for its next look, at this price.

    Most of what stands open is far from its price; without this, a thousand such orders would be
    a thousand looks a second.
    """
    away_ppm = abs(price_minor - (order.limit_price_minor or 0)) * 1_000_000 / price_minor
    return min(max(1.0, away_ppm / NEAR_PPM), MOST_PATIENT)


@dataclass(frozen=True)
class Limits:
    """Watches open limit orders."""

    database: Database
    portfolios: PortfolioRepository
    book: Book
    market: Market
    jobs: EndsJobs
    currency: str
    #: How often an order is held against the quote.
    check_s: float
    now: Callable[[], datetime] = utc_now

    async def run(self, job: Job) -> dict[str, Any]:
        """Look at one order once: end it, or raise Later."""
        owner, order_id = job.payload["owner"], UUID(job.payload["order_id"])
        async with self.database.connection() as connection:
            order = await self.portfolios.find_order(connection, owner, order_id)
        if order is None:
            raise LookupError(f"orders: {order_id} is gone; were rows deleted by hand?")
        if order.status is not Status.OPEN:
            return {"status": order.status.value}
        left_s = self._left_s(order)
        if left_s <= 0:
            return await self._end(job, order, None)
        try:
            quote = await self.market.shared_quote(order.symbol)
        except Problem as problem:
            log.info("a limit order waits for the market", order_id=str(order.id), why=problem.code)
            raise RetryLater(min(self.check_s, left_s)) from None
        if may_fill(order.wish, quote.price_minor):
            return await self._end(job, order, quote)
        raise RetryLater(min(self.check_s * patience(order, quote.price_minor), left_s))

    async def _end(self, job: Job, order: Order, quote: Quote | None) -> dict[str, Any]:
        """Fill the order at the quote, or let it expire without one."""
        async with self.database.transaction() as connection:
            await self.portfolios.lock_account(connection, order.owner, self.currency)
            if quote is None:
                ended = await self.book.close(connection, order, Status.EXPIRED, Reason.DAY_OVER)
            else:
                ended = await self.book.fill(connection, order, quote)
            # None: it was cancelled meanwhile, and there is nothing to do but to end the job.
            result = {"status": ended.status.value if ended else "ended before"}
            await self.jobs.finish(connection, job, result)
        return result

    def _left_s(self, order: Order) -> float:
        if order.expires_at is None:
            return self.check_s
        return (order.expires_at - self.now()).total_seconds()
