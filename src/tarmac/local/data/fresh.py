"""Puts every store of a running system back to what it held, while its users stay connected.

Used by the control socket, for the test plugin. What a store's kind says is carried out; nothing
here knows a kind. Processes are not touched: what they have in memory, they keep.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tarmac.errors import TarmacError
from tarmac.launch import reveal
from tarmac.local.data import rows
from tarmac.local.data.talking import talk
from tarmac.local.resolving import Resolved
from tarmac.plan.bindings import Bindings
from tarmac.stores._dialogue import Refused
from tarmac.stores._kind import Conversation, Rows

if TYPE_CHECKING:
    from tarmac.local.supervisor import Supervisor


class Fresh:
    """What the stores of one namespace held when they were last asked to keep it."""

    VERBS = frozenset({"keep", "fresh"})

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._kept: dict[str, Any] | None = None

    async def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Keep what the stores hold now, or put it back. Raises TarmacError."""
        now = self._supervisor.now
        if now is None:
            raise TarmacError("the system is still starting; try again")
        began = time.monotonic()
        bindings = Bindings(now.system, now.facts, now.kinds)
        if request["verb"] == "keep":
            done = await self._keep(now, bindings)
        else:
            done = await self._put_back(now, bindings)
        return {**done, "took_s": time.monotonic() - began}

    async def _keep(self, now: Resolved, bindings: Bindings) -> dict[str, Any]:
        """Keep what can be kept; say why of the others."""
        kept: dict[str, Any] = {}

        async def one(store: str) -> None:
            kind, view = bindings.kinds[store], bindings.views[store]
            if isinstance(kind.reset, Rows) and kind.sql_url is not None:
                folder = self._supervisor.home.root / "kept" / store
                kept[store] = await rows.keep(reveal(kind.sql_url(view), now.secrets), folder)
            elif isinstance(kind.reset, Conversation):
                dialogue = kind.reset.keep(view)
                port = view.ports[kind.reset.port]
                kept[store] = await talk(view.host, port, dialogue, now.secrets)

        left = {store: why for store in bindings.views if (why := _why_not(bindings, store))}
        await _each(one, [store for store in bindings.views if store not in left])
        self._kept = kept
        return {"left": left}

    async def _put_back(self, now: Resolved, bindings: Bindings) -> dict[str, Any]:
        if self._kept is None:
            raise TarmacError("no state of the stores was kept yet; keep one first")
        kept = self._kept
        cut: list[str] = []

        async def one(store: str) -> None:
            kind, view = bindings.kinds[store], bindings.views[store]
            if isinstance(kind.reset, Rows) and kind.sql_url is not None:
                if await rows.put_back(reveal(kind.sql_url(view), now.secrets), kept[store]):
                    cut.append(store)
            elif isinstance(kind.reset, Conversation):
                dialogue = kind.reset.put_back(view, kept[store])
                await talk(view.host, view.ports[kind.reset.port], dialogue, now.secrets)

        carriers = [store for store in kept if bindings.kinds[store].broker]
        # What is on its way must not arrive after the tables were emptied; what was sent just
        # before they were is on its way only then.
        await _each(one, carriers)
        await _each(one, [store for store in kept if store not in carriers])
        await _each(one, carriers)
        return {"cut": cut}


def _why_not(bindings: Bindings, store: str) -> str:
    """Say why a store cannot be put back; empty if it can."""
    if store not in bindings.here:
        return "it stands elsewhere, so it is left alone"
    kind = bindings.kinds[store]
    return "" if kind.reset is not None else f"nobody knows how to put a {kind.title} back"


async def _each(one: Any, stores: list[str]) -> None:
    """Do it to all at the same time; report every failure with the store's name."""
    outcomes = await asyncio.gather(*map(one, stores), return_exceptions=True)
    failed = []
    for store, outcome in zip(stores, outcomes, strict=True):
        if isinstance(outcome, TarmacError | Refused | OSError | TimeoutError):
            failed.append(f"{store}: {outcome or type(outcome).__name__}")
        elif isinstance(outcome, BaseException):
            raise outcome
    if failed:
        raise TarmacError("\n".join(failed))
