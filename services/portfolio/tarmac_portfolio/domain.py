"""Accounts, positions and orders, and what each step of an order changes in them.

Used by the service, the book and the repository. Pure: no database, no HTTP, no clock.

    open -> filled | cancelled | expired          filled at once          rejected at once
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

#: Of one order. Times the highest price it is far below what a column or a JavaScript number holds.
MAX_QUANTITY = 1_000_000
MAX_LIMIT_MINOR = 1_000_000_000
MAX_DEPOSIT_MINOR = 100_000_000_000
#: No deposit takes an account beyond this.
MAX_CASH_MINOR = 1_000_000_000_000_000
#: Of one account: each is looked at again and again, for as long as its day lasts.
MAX_OPEN_ORDERS = 200


class Side(StrEnum):
    """Whether shares come or go."""

    BUY = "buy"
    SELL = "sell"


class Kind(StrEnum):
    """At which price an order may be filled."""

    #: At whatever the quote is, at once.
    MARKET = "market"
    #: At the limit or better, at once or later that day.
    LIMIT = "limit"


class Status(StrEnum):
    """Where an order is in its life."""

    #: Waits for its price and holds what it needs.
    OPEN = "open"
    #: Done, whole, at `price_minor`.
    FILLED = "filled"
    #: Ended by its owner.
    CANCELLED = "cancelled"
    #: Ended with the day.
    EXPIRED = "expired"
    #: Refused when it came.
    REJECTED = "rejected"


class Reason(StrEnum):
    """Why an order ended without a trade."""

    #: There was not enough cash that no other order held.
    INSUFFICIENT_FUNDS = "insufficient_funds"
    #: There were not enough shares that no other order held.
    INSUFFICIENT_SHARES = "insufficient_shares"
    #: Its owner cancelled it.
    BY_OWNER = "by_owner"
    #: The day was over.
    DAY_OVER = "day_over"


class Entry(StrEnum):
    """Why a row stands in the ledger."""

    #: Cash came in.
    DEPOSIT = "deposit"
    #: An open order set cash or shares aside.
    HOLD = "hold"
    #: What an order had reserved is free again, be it to be used for it.
    RELEASE = "release"
    #: Cash became shares.
    BUY = "buy"
    #: Shares became cash.
    SELL = "sell"


@dataclass(frozen=True)
class Account:
    """A user's cash, and what of it open orders hold."""

    owner: str
    currency: str
    cash_minor: int
    held_minor: int

    @property
    def available_minor(self) -> int:
        """Return how much can be spent."""
        return self.cash_minor - self.held_minor


@dataclass(frozen=True)
class Position:
    """A user's shares of one instrument, what of them open orders hold, what they cost."""

    symbol: str
    quantity: int = 0
    held: int = 0
    cost_minor: int = 0

    @property
    def available(self) -> int:
        """Return how many can be sold."""
        return self.quantity - self.held


@dataclass(frozen=True)
class Quote:
    """What an instrument costs, and in which tick it does."""

    symbol: str
    currency: str
    price_minor: int
    at: datetime
    seq: int


@dataclass(frozen=True)
class Deposit:
    """Cash that came in."""

    id: UUID
    owner: str
    amount_minor: int
    created_at: datetime


@dataclass(frozen=True)
class Wish:
    """What a user wants to trade."""

    symbol: str
    side: Side
    kind: Kind
    quantity: int
    limit_price_minor: int | None


@dataclass(frozen=True)
class Order:
    """A wish, and what became of it."""

    seq: int
    id: UUID
    owner: str
    symbol: str
    side: Side
    kind: Kind
    quantity: int
    limit_price_minor: int | None
    status: Status
    reason: str | None
    price_minor: int | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None

    @property
    def wish(self) -> Wish:
        """Return what was wanted."""
        return Wish(self.symbol, self.side, self.kind, self.quantity, self.limit_price_minor)


@dataclass(frozen=True)
class Trade:
    """An order's fill."""

    seq: int
    order_id: UUID
    symbol: str
    side: Side
    quantity: int
    price_minor: int
    quote_seq: int
    realised_minor: int | None
    at: datetime


@dataclass(frozen=True)
class Posting:
    """One row of the ledger: by how much it changes an account and a position."""

    kind: Entry
    cash_minor: int = 0
    held_minor: int = 0
    quantity: int = 0
    held: int = 0
    cost_minor: int = 0


def may_fill(wish: Wish, price_minor: int) -> bool:
    """Return whether a wish can be filled at a price."""
    if wish.limit_price_minor is None:
        return True
    if wish.side is Side.BUY:
        return price_minor <= wish.limit_price_minor
    return price_minor >= wish.limit_price_minor


def obstacle(wish: Wish, price_minor: int, account: Account, position: Position) -> Reason | None:
    """Say what keeps a wish from being filled at, or from waiting for, a price; None: nothing."""
    if wish.side is Side.BUY and account.available_minor < wish.quantity * price_minor:
        return Reason.INSUFFICIENT_FUNDS
    if wish.side is Side.SELL and position.available < wish.quantity:
        return Reason.INSUFFICIENT_SHARES
    return None


def hold(wish: Wish) -> Posting:
    """Reserve what a limit order needs at worst."""
    if wish.side is Side.BUY:
        return Posting(Entry.HOLD, held_minor=wish.quantity * (wish.limit_price_minor or 0))
    return Posting(Entry.HOLD, held=wish.quantity)


def release(wish: Wish) -> Posting:
    """Set free what `hold` reserved."""
    held = hold(wish)
    return Posting(Entry.RELEASE, held_minor=-held.held_minor, held=-held.held)


def fill(wish: Wish, price_minor: int, position: Position) -> Posting:
    """Exchange cash and shares; shares go at the mean of what all of the position cost."""
    total_minor = wish.quantity * price_minor
    if wish.side is Side.BUY:
        return Posting(
            Entry.BUY, cash_minor=-total_minor, quantity=wish.quantity, cost_minor=total_minor
        )
    cost_minor = position.cost_minor * wish.quantity // position.quantity
    return Posting(
        Entry.SELL, cash_minor=total_minor, quantity=-wish.quantity, cost_minor=-cost_minor
    )


def realised_minor(posting: Posting) -> int | None:
    """Return what a sale brought beyond what its shares had cost; None for a purchase."""
    return posting.cash_minor + posting.cost_minor if posting.kind is Entry.SELL else None


def end_of_day(now: datetime) -> datetime:
    """Return when an order of now is over: at the next midnight, UTC."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1)
