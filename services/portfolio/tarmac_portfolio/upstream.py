"""What the portfolio asks of the role `market`, in the portfolio's words.

Used by the service and the limit orders' job. It turns answers into quotes and says clearly when
there are none; only the kit's client knows which service plays the role, and where.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tarmac_kit import (
    Client,
    DeadlineExceeded,
    Problem,
    Unavailable,
    deadline,
    get_logger,
)
from tarmac_portfolio.domain import Quote

#: Kept back from the request's own deadline, so that its answer can still be written and sent.
KEPT_BACK_S = 0.3
#: For how long open orders share a quote: a check of each must not be a call for each.
SHARED_S = 0.4

log = get_logger(__name__)


def utc_now() -> datetime:
    """Read the machine's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Market:
    """Asks what instruments cost."""

    client: Client
    max_age_s: float
    now: Callable[[], datetime] = utc_now
    monotonic: Callable[[], float] = time.monotonic
    _shared: dict[str, tuple[float, asyncio.Future[Quote]]] = field(default_factory=dict)

    async def quote(self, symbol: str) -> Quote:
        """Ask for a quote that can be traded at.

        An unknown symbol is a problem 422; no answer, or one that is too old, a problem 503.
        """
        try:
            with deadline.keeping_back(KEPT_BACK_S):
                response = await self.client.get(f"/market/quotes/{symbol}")
        except (Unavailable, DeadlineExceeded) as error:
            raise _no_quotes(str(error.detail)) from error
        if response.status == 404:
            raise Problem(
                422,
                "symbol_unknown",
                "There is no such instrument",
                f"the market knows no {symbol}",
            )
        if response.status != 200:
            raise _no_quotes(f"market answered {response.status}")
        quote = _read(response.json())
        age_s = (self.now() - quote.at).total_seconds()
        if age_s > self.max_age_s:
            raise _no_quotes(f"the quote of {symbol} is {age_s:.0f} s old")
        return quote

    async def shared_quote(self, symbol: str) -> Quote:
        """As `quote`, and callers at nearly the same time share the answer."""
        asked_at, asking = self._shared.get(symbol, (0.0, None))
        if asking is None or self.monotonic() - asked_at > SHARED_S:
            asking = asyncio.ensure_future(self.quote(symbol))
            # A failure is each asker's own; without one it must not be a warning.
            asking.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._shared[symbol] = (self.monotonic(), asking)
        # Shielded: one asker that goes away must not end it for the others.
        return await asyncio.shield(asking)

    async def prices(self, symbols: Iterable[str]) -> dict[str, int]:
        """Ask what instruments cost, to show it; nothing when the market is away."""
        wanted = ",".join(symbols)
        if not wanted:
            return {}
        try:
            with deadline.keeping_back(KEPT_BACK_S):
                response = await self.client.get("/market/quotes", params={"symbols": wanted})
        except (Unavailable, DeadlineExceeded) as error:
            log.warning("positions are shown without a value", error=str(error))
            return {}
        if response.status != 200:
            log.warning("positions are shown without a value", status=response.status)
            return {}
        return {quote["symbol"]: quote["price_minor"] for quote in response.json()["items"]}


def _no_quotes(detail: str) -> Problem:
    return Problem(
        503,
        "quotes_unavailable",
        "Nothing can be traded now",
        f"{detail}; try again with the same Idempotency-Key",
        headers={"Retry-After": "1"},
    )


def _read(data: dict[str, Any]) -> Quote:
    return Quote(
        symbol=data["symbol"],
        currency=data["currency"],
        price_minor=data["price_minor"],
        at=datetime.fromisoformat(data["at"]),
        seq=data["seq"],
    )
