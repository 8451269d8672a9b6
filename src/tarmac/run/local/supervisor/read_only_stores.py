"""Makes stores refuse writes, as a drill asks; undone when its connection ends."""

from __future__ import annotations

import contextlib

from tarmac.base.errors import TarmacError
from tarmac.catalog.stores.kind import StoreReadOnly
from tarmac.run.local.supervisor import drill_requests as ask
from tarmac.run.local.supervisor.handlers import Handlers
from tarmac.run.local.supervisor.store_servers import StoreServer, StoreServers


class ReadOnlyStores:
    """The stores that one connection has made read-only."""

    def __init__(self, servers: StoreServers) -> None:
        self._servers = servers
        self._changed: set[str] = set()

    def register(self, handlers: Handlers) -> None:
        """Register what answers each type of request."""
        handlers.on(ask.MakeReadOnly, self._change)
        handlers.on(ask.IsWritable, self._takes_writes)

    async def close(self) -> None:
        """Make all of them writable."""
        for name in list(self._changed):
            with contextlib.suppress(TarmacError):  # one that is down takes them at its next start
                await self._change(ask.MakeReadOnly(name, on=False))

    async def _change(self, request: ask.MakeReadOnly) -> None:
        server = self._found(request.store)
        if request.on:
            self._changed.add(server.name)  # first: half of it may have been done
            await self._servers.say(server, server.how.begin)
        else:
            await self._servers.say(server, server.how.end)
            self._changed.discard(server.name)

    async def _takes_writes(self, request: ask.IsWritable) -> bool:
        server = self._found(request.store)
        rows = await self._servers.ask(server, server.how.takes_writes)
        return bool(rows[0][0])

    def _found(self, name: str) -> StoreServer[StoreReadOnly]:
        return self._servers.find(
            name,
            lambda kind, *_: kind.read_only,
            able=lambda kind: kind.read_only,
            what="made read-only",
        )
