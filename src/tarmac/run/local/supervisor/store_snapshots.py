"""Restores every store of a running system to a snapshot, while clients stay connected.

Used by the control socket, for the test plugin. What a store's kind says is carried out; nothing
here knows a kind. Processes are not touched: what they have in memory, they keep.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tarmac.base.errors import TarmacError
from tarmac.base.launch import reveal
from tarmac.catalog.stores.kind import RowReset, StoreReset
from tarmac.catalog.stores.protocols.dialogue import CommandRejected
from tarmac.plan.bindings import Bindings
from tarmac.run.local.stores import contents
from tarmac.run.local.stores.dialogue import converse
from tarmac.run.local.supervisor.requests import Restore, RestoreResult, Snapshot, SnapshotResult
from tarmac.run.local.supervisor.resolver import ResolvedSystem

if TYPE_CHECKING:
    from tarmac.run.local.supervisor.supervisor import Supervisor


class StoreSnapshots:
    """What the stores of one namespace held when they were last asked to keep it."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._held: dict[str, Any] | None = None

    async def take(self, _: Snapshot) -> SnapshotResult:
        """Keep what can be kept; say why of the others. Raises TarmacError."""
        began, now = time.monotonic(), self._supervisor.required()
        left = await self._take(now)
        return SnapshotResult(left, time.monotonic() - began)

    async def restore(self, _: Restore) -> RestoreResult:
        """Put back what was kept. Raises TarmacError."""
        began, now = time.monotonic(), self._supervisor.required()
        cut = await self._restore(now)
        return RestoreResult(cut, time.monotonic() - began)

    async def _take(self, now: ResolvedSystem) -> Mapping[str, str]:
        bindings, kept = now.bindings, dict[str, Any]()

        async def one(store: str) -> None:
            kind, context = bindings.kinds[store], bindings.views[store]
            if isinstance(kind.reset, RowReset):
                url = reveal(kind.reset.url(context), now.secrets)
                folder = self._supervisor.home.root / "snapshots" / store
                kept[store] = await contents.snapshots(url).take(url, folder)
            elif isinstance(kind.reset, StoreReset):
                dialogue = kind.reset.snapshot(context)
                port = context.ports[kind.reset.port]
                kept[store] = await converse(context.host, port, dialogue, now.secrets)

        left = {store: why for store in bindings.views if (why := _why_left(bindings, store))}
        await _on_all(one, [store for store in bindings.views if store not in left])
        self._held = kept
        return left

    async def _restore(self, now: ResolvedSystem) -> tuple[str, ...]:
        if self._held is None:
            raise TarmacError("no snapshot of the stores was taken; take one first")
        bindings, kept = now.bindings, self._held
        cut: list[str] = []

        async def one(store: str) -> None:
            kind, context = bindings.kinds[store], bindings.views[store]
            if isinstance(kind.reset, RowReset):
                url = reveal(kind.reset.url(context), now.secrets)
                if await contents.snapshots(url).restore(url, kept[store]):
                    cut.append(store)
            elif isinstance(kind.reset, StoreReset):
                dialogue = kind.reset.restore(context, kept[store])
                await converse(context.host, context.ports[kind.reset.port], dialogue, now.secrets)

        carriers = [store for store in kept if bindings.kinds[store].broker]
        # What is on its way must not arrive after the tables were emptied; what was sent just
        # before they were is on its way only then.
        await _on_all(one, carriers)
        await _on_all(one, [store for store in kept if store not in carriers])
        await _on_all(one, carriers)
        return tuple(cut)


def _why_left(bindings: Bindings, store: str) -> str:
    """Return why a store cannot be restored; empty if it can."""
    if store not in bindings.here:
        return "it runs elsewhere (external), so it is not reset"
    kind = bindings.kinds[store]
    return "" if kind.reset is not None else f"{kind.title} has no reset"


async def _on_all(one: Any, stores: list[str]) -> None:
    """Do it to all at the same time; report every failure with the store's name."""
    outcomes = await asyncio.gather(*map(one, stores), return_exceptions=True)
    failed = []
    for store, outcome in zip(stores, outcomes, strict=True):
        if isinstance(outcome, TarmacError | CommandRejected | OSError | TimeoutError):
            failed.append(f"{store}: {outcome or type(outcome).__name__}")
        elif isinstance(outcome, BaseException):
            raise outcome
    if failed:
        raise TarmacError("\n".join(failed))
