"""The market's SQL, all of it. Called by the service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tarmac_kit.repository import fetch_all, fetch_one
from tarmac_market.domain import Instrument

if TYPE_CHECKING:
    from tarmac_kit.database import Connection

_ALL = "SELECT symbol, name, currency, base_minor, volatility_ppm FROM instruments ORDER BY symbol"

_FIND = """
SELECT symbol, name, currency, base_minor, volatility_ppm FROM instruments WHERE symbol = $1
"""

_ADD = """
INSERT INTO instruments (symbol, name, currency, base_minor, volatility_ppm)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT (symbol) DO NOTHING RETURNING symbol
"""


class InstrumentRepository:
    """Reads and writes instruments."""

    async def all(self, connection: Connection) -> Sequence[Instrument]:
        """Read every instrument, by symbol."""
        return await fetch_all(connection, _ALL, into=Instrument)

    async def find(self, connection: Connection, symbol: str) -> Instrument | None:
        """Read one instrument."""
        return await fetch_one(connection, _FIND, symbol, into=Instrument)

    async def add(self, connection: Connection, new: Instrument) -> bool:
        """Insert an instrument; False when its symbol is taken."""
        added = await connection.fetchval(
            _ADD, new.symbol, new.name, new.currency, new.base_minor, new.volatility_ppm
        )
        return added is not None
