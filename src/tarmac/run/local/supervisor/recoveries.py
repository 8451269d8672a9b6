"""Backs up a store that runs, loses its data and restores it, as a drill asks.

Requests come over the connection of a drill. What a store's kind says is carried out;
nothing here knows a kind. All of it is for a copy that is deleted afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from tarmac.base.errors import TarmacError
from tarmac.base.launch import Command
from tarmac.base.target import RowComparison
from tarmac.catalog.stores.contents import Rows
from tarmac.catalog.stores.kind import ArchiveRule, StoreBackup
from tarmac.run.local.stores import contents
from tarmac.run.local.supervisor import drill_requests as ask
from tarmac.run.local.supervisor.handlers import Handlers
from tarmac.run.local.supervisor.remove import size_mb
from tarmac.run.local.supervisor.store_servers import StoreServer, StoreServers, delete

#: What follows a server that was killed has ended within this time.
FOLLOW_S = 10.0


@dataclass
class _Store:
    """One store, how it is backed up, and what is known of its rows."""

    server: StoreServer[StoreBackup]
    #: Copies what changes.
    follower: asyncio.Task[None] | None = None
    #: Held down, until its data is restored.
    is_down: bool = False
    #: What stood there when it was asked for, and when the data was lost.
    earlier: Rows | None = None
    lost: Rows | None = None

    @property
    def name(self) -> str:
        return self.server.name

    @property
    def data(self) -> tuple[Path, ...]:
        """What holds its data."""
        return tuple(self.server.folder / name for name in self.server.how.data)

    def refuse_unfollowed(self) -> None:
        """Raise TarmacError where what is to follow its changes does not."""
        if self.follower is not None and self.follower.done():
            self.follower.result()
            raise TarmacError(f"{self.name}: the process that follows its changes has ended")


class Recoveries:
    """The stores that one connection backs up and loses."""

    def __init__(self, servers: StoreServers) -> None:
        self._servers = servers
        self._stores: dict[str, _Store] = {}

    def register(self, handlers: Handlers) -> None:
        """Register what answers each type of request."""
        handlers.on(ask.BackUp, self._back_up)
        handlers.on(ask.TakeDownRows, self._take_down_rows)
        handlers.on(ask.LoseData, self._lose)
        handlers.on(ask.DataSize, self._data_size)
        handlers.on(ask.RestoreData, self._restore)
        handlers.on(ask.CompareRows, self._compare)

    async def close(self) -> None:
        """Let what was lost start: empty, if it was not restored."""
        for store in self._stores.values():
            if store.follower is not None:
                store.follower.cancel()
            if store.is_down:
                self._let_up(store)

    async def _back_up(self, request: ask.BackUp) -> None:
        name, servers = request.store, self._servers
        rule = ArchiveRule(request.every_s, request.synchronous)
        server = servers.find(
            name,
            lambda kind, *found: kind.backup(*found, rule) if kind.backup else None,
            able=lambda kind: kind.backup,
            what="backed up",
        )
        store, backup = _Store(server), server.how
        self._stores[name] = store
        await self._run(store, backup.before)
        await servers.say(server, backup.archiving)
        if backup.restarts:
            await servers.restart(name)
        if backup.follow is not None:
            store.follower = asyncio.create_task(self._run(store, (backup.follow,)))
            await servers.say_until_true(server, backup.followed, store.refuse_unfollowed)
        await self._run(store, backup.copy)
        if backup.confirming:
            await servers.say(server, backup.confirming)
            await servers.say_until_true(server, backup.confirmed, store.refuse_unfollowed)

    async def _take_down_rows(self, request: ask.TakeDownRows) -> int:
        store = self._known(request.store)
        async with self._rows(store) as store.earlier:
            return sum(map(len, store.earlier.values()))

    async def _lose(self, request: ask.LoseData) -> None:
        store = self._known(request.store)
        process = self._servers.process(store.name)
        # Until it is dead no row may change, or what was there at the end would not be known.
        async with self._rows(store, locked=True) as store.lost:
            store.is_down = True
            await process.hold_down()
        await delete(store.data)

    async def _data_size(self, request: ask.DataSize) -> float:
        return sum(map(size_mb, self._known(request.store).data))

    async def _restore(self, request: ask.RestoreData) -> None:
        store = self._known(request.store)
        if store.follower is not None:  # it ends with the server, once it has written all
            with contextlib.suppress(TarmacError, TimeoutError):
                async with asyncio.timeout(FOLLOW_S):
                    await store.follower
        await self._run(store, store.server.how.restore)
        self._let_up(store)

    async def _compare(self, request: ask.CompareRows) -> RowComparison:
        """Say of the rows before the loss how many there were, and which are not back.

        `changed` had been written since they were taken down: an archive may lack the last of
        them. `settled` had not, so that any backup has them.
        """
        store = self._known(request.store)
        earlier, lost = store.earlier, store.lost
        if earlier is None or lost is None:
            raise TarmacError(
                f"{store.name}: its rows were not taken down before its data was lost"
            )
        async with self._rows(store) as rows:
            missing = {
                table: before - rows.get(table, frozenset()) for table, before in lost.items()
            }
        settled = {table: gone & earlier.get(table, frozenset()) for table, gone in missing.items()}
        return RowComparison(
            tables=len(lost),
            rows=sum(map(len, lost.values())),
            changed=sum(len(gone - settled[table]) for table, gone in missing.items()),
            settled={table: len(gone) for table, gone in settled.items() if gone},
        )

    def _let_up(self, store: _Store) -> None:
        store.is_down = False
        with contextlib.suppress(TarmacError):  # the system is being stopped, too
            self._servers.process(store.name).let_up()

    def _known(self, name: str) -> _Store:
        if name not in self._stores:
            raise TarmacError(f"{name}: no backup was taken; take one first")
        return self._stores[name]

    def _rows(self, store: _Store, *, locked: bool = False) -> AbstractAsyncContextManager[Rows]:
        url = self._servers.url(store.server)
        return contents.marks(url).rows(url, locked=locked)

    async def _run(self, store: _Store, wanted: Iterable[Command]) -> None:
        await self._servers.run(store.server, wanted, store.server.how.env)
