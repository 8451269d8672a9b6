"""Has a store's server follow that of another copy, or take its place, as a drill asks.

Requests come over the connection of a drill, to the supervisor of each of the two copies.
All of it is for copies that are deleted afterwards.
"""

from __future__ import annotations

import contextlib

from tarmac.base.errors import TarmacError
from tarmac.base.launch import text
from tarmac.base.target import Standby
from tarmac.catalog.stores.kind import Address, StoreReplication
from tarmac.run.local.supervisor import drill_requests as ask
from tarmac.run.local.supervisor.handlers import Handlers
from tarmac.run.local.supervisor.store_servers import StoreServer, StoreServers, delete


class Replications:
    """The stores that one connection has follow others."""

    def __init__(self, servers: StoreServers) -> None:
        self._servers = servers
        #: Those whose users wait until they are promoted.
        self._following: set[str] = set()

    def register(self, handlers: Handlers) -> None:
        """Register what answers each type of request."""
        handlers.on(ask.Follow, self._follow)
        handlers.on(ask.ConfirmTogether, self._confirm)
        handlers.on(ask.Standbys, self._standbys)
        handlers.on(ask.TakesWrites, self._takes_writes)
        handlers.on(ask.Fence, self._fence)
        handlers.on(ask.Promote, self._promote)

    async def close(self) -> None:
        """Let what follows serve, so that its users do not wait for ever."""
        for name in self._following:
            with contextlib.suppress(TarmacError):  # the system is being stopped, too
                self._servers.process(name).lead()

    async def _follow(self, request: ask.Follow) -> None:
        server = self._found(request.store, Address(request.host, request.port))
        process = self._servers.process(server.name)
        self._following.add(server.name)
        await process.hold_down()
        try:
            await process.follow()
            await delete(server.folder / name for name in server.how.data)
            await self._servers.run(server, server.how.copy, server.how.env)
        finally:
            process.let_up()

    async def _confirm(self, request: ask.ConfirmTogether) -> None:
        server = self._found(request.store)
        await self._servers.say(server, server.how.confirming)
        await self._servers.say_until_true(server, server.how.confirmed)

    async def _standbys(self, request: ask.Standbys) -> tuple[Standby, ...]:
        server = self._found(request.store)
        rows = await self._servers.ask(server, server.how.standbys)
        return tuple(Standby(bool(row[0]), str(row[1])) for row in rows)

    async def _takes_writes(self, request: ask.TakesWrites) -> bool:
        server = self._found(request.store)
        rows = await self._servers.ask(server, server.how.takes_writes)
        return bool(rows[0][0])

    async def _fence(self, request: ask.Fence) -> None:
        """Mark its data; a server that runs ends in an orderly way, and starts like that."""
        server = self._found(request.store)
        self._following.add(server.name)
        await self._servers.run(server, server.how.fence, server.how.env)
        await self._servers.process(server.name).follow()

    async def _promote(self, request: ask.Promote) -> None:
        server = self._found(request.store)
        await self._servers.say(server, server.how.promote)
        await self._servers.say(server, map(text, request.statements))
        self._following.discard(server.name)
        self._servers.process(server.name).lead()

    def _found(self, name: str, followed: Address | None = None) -> StoreServer[StoreReplication]:
        address = followed or Address("", 0)  # only what copies another's data needs it
        return self._servers.find(
            name,
            lambda kind, *one: kind.replication(*one, address) if kind.replication else None,
            able=lambda kind: kind.replication,
            what="replicated",
        )
