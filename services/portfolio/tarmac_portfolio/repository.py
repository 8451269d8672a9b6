"""The portfolio's SQL, all of it. Called by the service and the book inside their transactions.

Every change locks the account first, so changes of one user's come one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tarmac_kit.repository import fetch_all, fetch_one
from tarmac_portfolio.domain import (
    Account,
    Deposit,
    Kind,
    Order,
    Position,
    Posting,
    Reason,
    Side,
    Status,
    Trade,
    Wish,
)

if TYPE_CHECKING:
    from datetime import datetime

    from tarmac_kit.database import Connection

_ACCOUNT = "SELECT owner, currency, cash_minor, held_minor FROM accounts WHERE owner = $1"

_LOCK_ACCOUNT = _ACCOUNT + " FOR NO KEY UPDATE"

_OPEN_ACCOUNT = """
INSERT INTO accounts (owner, currency) VALUES ($1, $2) ON CONFLICT (owner) DO NOTHING
"""

_POSITIONS = """
SELECT symbol, quantity, held, cost_minor FROM positions
 WHERE owner = $1 AND quantity > 0 ORDER BY symbol
"""

_POSITION = """
SELECT symbol, quantity, held, cost_minor FROM positions WHERE owner = $1 AND symbol = $2
"""

# Row and sums in one statement: neither is ever without the other.
_POST = """
WITH noted AS (
    INSERT INTO ledger (owner, kind, deposit_id, order_id, symbol, cash_change_minor,
                        held_change_minor, quantity_change, held_shares_change, cost_change_minor)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
)
UPDATE accounts SET cash_minor = cash_minor + $6, held_minor = held_minor + $7, updated_at = now()
 WHERE owner = $1
"""

_POST_WITH_SHARES = """
WITH noted AS (
    INSERT INTO ledger (owner, kind, deposit_id, order_id, symbol, cash_change_minor,
                        held_change_minor, quantity_change, held_shares_change, cost_change_minor)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
), paid AS (
    UPDATE accounts SET cash_minor = cash_minor + $6, held_minor = held_minor + $7,
                        updated_at = now()
     WHERE owner = $1
)
UPDATE positions SET quantity = quantity + $8, held = held + $9, cost_minor = cost_minor + $10
 WHERE owner = $1 AND symbol = $5
"""

_OPEN_POSITION = """
INSERT INTO positions (owner, symbol) VALUES ($1, $2) ON CONFLICT (owner, symbol) DO NOTHING
"""

_FIND_DEPOSIT = """
SELECT id, owner, amount_minor, created_at FROM deposits WHERE owner = $1 AND idempotency_key = $2
"""

_ADD_DEPOSIT = """
INSERT INTO deposits (id, owner, idempotency_key, amount_minor) VALUES ($1, $2, $3, $4)
RETURNING id, owner, amount_minor, created_at
"""

_ORDER = """
    seq, id, owner, symbol, side, kind, quantity, limit_price_minor, status, reason, price_minor,
    created_at, updated_at, expires_at
"""

_ADD_ORDER = f"""
INSERT INTO trade_orders (id, owner, idempotency_key, symbol, side, kind, quantity,
                          limit_price_minor, status, reason, price_minor, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING {_ORDER}
"""  # noqa: S608 - constants of this file; values are always parameters

_FIND_ORDER = f"SELECT {_ORDER} FROM trade_orders WHERE owner = $1 AND id = $2"  # noqa: S608

_FIND_ORDER_BY_KEY = f"""
SELECT {_ORDER} FROM trade_orders WHERE owner = $1 AND idempotency_key = $2
"""  # noqa: S608

_ORDERS = f"""
SELECT {_ORDER} FROM trade_orders
 WHERE owner = $1 AND ($2::text IS NULL OR status = $2) AND ($3::bigint IS NULL OR seq < $3)
 ORDER BY seq DESC LIMIT $4
"""  # noqa: S608

_COUNT_OPEN = "SELECT count(*) FROM trade_orders WHERE owner = $1 AND status = 'open'"

# The state in the WHERE is the guard: the second caller changes nothing.
_END_ORDER = f"""
UPDATE trade_orders SET status = $3, reason = $4, price_minor = $5, updated_at = now()
 WHERE owner = $1 AND id = $2 AND status = 'open' RETURNING {_ORDER}
"""  # noqa: S608

_ADD_TRADE = """
INSERT INTO trades (order_id, owner, symbol, side, quantity, price_minor, quote_seq,
                    realised_minor)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

_TRADES = """
SELECT seq, order_id, symbol, side, quantity, price_minor, quote_seq, realised_minor, at
  FROM trades WHERE owner = $1 AND ($2::bigint IS NULL OR seq < $2) ORDER BY seq DESC LIMIT $3
"""


class PortfolioRepository:
    """Reads and writes accounts, positions, orders, trades and the ledger."""

    async def account(self, connection: Connection, owner: str) -> Account | None:
        """Read an account."""
        return await fetch_one(connection, _ACCOUNT, owner, into=Account)

    async def lock_account(self, connection: Connection, owner: str, currency: str) -> Account:
        """Lock an account until the transaction ends; one that is not there is opened."""
        found = await fetch_one(connection, _LOCK_ACCOUNT, owner, into=Account)
        if found is None:
            await connection.execute(_OPEN_ACCOUNT, owner, currency)
            found = await fetch_one(connection, _LOCK_ACCOUNT, owner, into=Account)
        if found is None:
            raise LookupError(f"accounts: {owner} is gone; were rows deleted by hand?")
        return found

    async def positions(self, connection: Connection, owner: str) -> Sequence[Position]:
        """Read the positions that hold anything, by symbol."""
        return await fetch_all(connection, _POSITIONS, owner, into=Position)

    async def position(self, connection: Connection, owner: str, symbol: str) -> Position:
        """Read one position; an empty one when there is none."""
        found = await fetch_one(connection, _POSITION, owner, symbol, into=Position)
        return found or Position(symbol)

    async def post(
        self,
        connection: Connection,
        owner: str,
        posting: Posting,
        *,
        symbol: str | None = None,
        deposit_id: UUID | None = None,
        order_id: UUID | None = None,
    ) -> None:
        """Write a row of the ledger and change account and position by it; constraints refuse."""
        if symbol is not None and posting.quantity > 0:
            await connection.execute(_OPEN_POSITION, owner, symbol)
        await connection.execute(
            _POST if symbol is None else _POST_WITH_SHARES,
            owner,
            posting.kind.value,
            deposit_id,
            order_id,
            symbol,
            posting.cash_minor,
            posting.held_minor,
            posting.quantity,
            posting.held,
            posting.cost_minor,
        )

    async def find_deposit(self, connection: Connection, owner: str, key: str) -> Deposit | None:
        """Read the deposit that a user's key made."""
        return await fetch_one(connection, _FIND_DEPOSIT, owner, key, into=Deposit)

    async def add_deposit(
        self, connection: Connection, deposit_id: UUID, owner: str, key: str, amount_minor: int
    ) -> Deposit:
        """Insert a deposit; its posting is another call."""
        row = await connection.fetchrow(_ADD_DEPOSIT, deposit_id, owner, key, amount_minor)
        return Deposit(**dict(_there(row).items()))

    async def add_order(
        self,
        connection: Connection,
        order_id: UUID,
        owner: str,
        key: str,
        wish: Wish,
        *,
        status: Status,
        reason: Reason | None,
        price_minor: int | None,
        expires_at: datetime | None,
    ) -> Order:
        """Insert an order as it begins."""
        row = await connection.fetchrow(
            _ADD_ORDER,
            order_id,
            owner,
            key,
            wish.symbol,
            wish.side.value,
            wish.kind.value,
            wish.quantity,
            wish.limit_price_minor,
            status.value,
            reason.value if reason else None,
            price_minor,
            expires_at,
        )
        return _order(_there(row))

    async def find_order(self, connection: Connection, owner: str, order_id: UUID) -> Order | None:
        """Read an order of a user's."""
        row = await connection.fetchrow(_FIND_ORDER, owner, order_id)
        return None if row is None else _order(row)

    async def find_order_by_key(self, connection: Connection, owner: str, key: str) -> Order | None:
        """Read the order that a user's key made."""
        row = await connection.fetchrow(_FIND_ORDER_BY_KEY, owner, key)
        return None if row is None else _order(row)

    async def orders(
        self,
        connection: Connection,
        owner: str,
        *,
        status: Status | None,
        before: int | None,
        limit: int,
    ) -> Sequence[Order]:
        """Read up to `limit` orders, latest first."""
        wanted = status.value if status else None
        return [
            _order(row) for row in await connection.fetch(_ORDERS, owner, wanted, before, limit)
        ]

    async def count_open(self, connection: Connection, owner: str) -> int:
        """Count a user's open orders."""
        found: int = await connection.fetchval(_COUNT_OPEN, owner)
        return found

    async def end_order(
        self,
        connection: Connection,
        owner: str,
        order_id: UUID,
        *,
        status: Status,
        reason: Reason | None = None,
        price_minor: int | None = None,
    ) -> Order | None:
        """End an open order; None, and nothing changes, when it is open no more."""
        row = await connection.fetchrow(
            _END_ORDER,
            owner,
            order_id,
            status.value,
            reason.value if reason else None,
            price_minor,
        )
        return None if row is None else _order(row)

    async def add_trade(
        self, connection: Connection, order: Order, *, quote_seq: int, realised_minor: int | None
    ) -> None:
        """Insert the trade of an order that was filled."""
        await connection.execute(
            _ADD_TRADE,
            order.id,
            order.owner,
            order.symbol,
            order.side.value,
            order.quantity,
            order.price_minor,
            quote_seq,
            realised_minor,
        )

    async def trades(
        self, connection: Connection, owner: str, *, before: int | None, limit: int
    ) -> Sequence[Trade]:
        """Read up to `limit` trades, latest first."""
        rows = await connection.fetch(_TRADES, owner, before, limit)
        return [Trade(**{**dict(row.items()), "side": Side(row["side"])}) for row in rows]


def _there(row: Any) -> Any:
    if row is None:
        raise LookupError("portfolio: an insert answered no row; is a rule on the table?")
    return row


def _order(row: Any) -> Order:
    values = dict(row.items())
    typed = {
        "side": Side(values["side"]),
        "kind": Kind(values["kind"]),
        "status": Status(values["status"]),
    }
    return Order(**{**values, **typed})
