"""Connects to a PostgreSQL by its URL; used by what reads and writes its contents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from tarmac.base.errors import TarmacError

CONNECT_S = 10.0
#: What a server or the way to it can answer; InterfaceError is a connection that was just lost.
REFUSED = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


@asynccontextmanager
async def asking(store: str, url: str, within_s: float) -> AsyncIterator[Any]:
    """Give a connection to ask a store over; each statement has `within_s`.

    Raises:
        TarmacError: it cannot be reached, or refuses what is asked.
    """
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_S, command_timeout=within_s)
        try:
            yield connection
        finally:
            await connection.close()
    except REFUSED as error:
        raise TarmacError(
            f"{store}: cannot be queried ({str(error) or type(error).__name__}); is it running?"
        ) from None
