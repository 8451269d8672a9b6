"""Asks every store of a running system what it holds and does.

Used by the control socket. What a store's kind says is carried out; nothing here knows a kind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tarmac.base.errors import TarmacError
from tarmac.base.launch import reveal
from tarmac.catalog.stores.kind import (
    SqlStatistics,
    Statistic,
    StoreContext,
    StoreKind,
    StoreStatistics,
)
from tarmac.catalog.stores.protocols.dialogue import CommandRejected
from tarmac.run.local.stores import contents
from tarmac.run.local.stores.dialogue import converse
from tarmac.run.local.supervisor.resolver import ResolvedSystem

#: A page waits for it.
ANSWER_S = 5.0


async def ask(now: ResolvedSystem) -> dict[str, Any]:
    """Return the statistics of each store, or why it has none."""
    names = list(now.bindings.views)
    answers = await asyncio.gather(*(_ask(now, store) for store in names))
    return dict(zip(names, answers, strict=True))


async def _ask(now: ResolvedSystem, store: str) -> dict[str, Any]:
    bindings = now.bindings
    kind = bindings.kinds[store]
    found: list[Statistic] = []
    error = ""
    if store not in bindings.here:
        error = "it runs elsewhere (external), so it is not queried"
    elif kind.statistics is None:
        error = f"{kind.title} provides no statistics"
    else:
        try:
            found = await figures(kind, bindings.views[store], now.secrets)
        except (TarmacError, CommandRejected, OSError, TimeoutError) as failure:
            error = f"no answer: {failure or type(failure).__name__}"
    return {"title": kind.title, "statistics": [asdict(one) for one in found], "error": error}


async def figures(
    kind: StoreKind, context: StoreContext, secrets: Mapping[str, str]
) -> list[Statistic]:
    """Ask one server for its statistics.

    Raises:
        TarmacError: it answers no query.
        CommandRejected, OSError, TimeoutError: it does not answer in its own protocol.
    """
    how = kind.statistics
    if isinstance(how, SqlStatistics) and kind.sql_url is not None:
        url = reveal(kind.sql_url(context), secrets)
        async with contents.asking(context.name, url, within_s=ANSWER_S) as connection:
            return [Statistic(*row) for row in await connection.fetch(how.query)]
    if not isinstance(how, StoreStatistics):
        return []
    port = context.ports[how.port]
    told: list[Statistic] = await converse(context.host, port, how.ask(context), secrets)
    return told
