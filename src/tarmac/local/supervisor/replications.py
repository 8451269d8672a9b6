"""Has a store's server follow that of another copy, or take its place, as a drill asks; see `OPS`.

Requests come over the connection of `disturbances`, to the supervisor of each of the two copies.
All of it is for copies that are deleted afterwards.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from tarmac.errors import TarmacError
from tarmac.launch import text
from tarmac.local.supervisor.store_servers import StoreServer, StoreServers, delete
from tarmac.stores.kind import Address, StoreReplication


class Replications:
    """The stores that one connection has follow others."""

    def __init__(self, servers: StoreServers) -> None:
        self._servers = servers
        #: Those whose users wait until they are promoted.
        self._following: set[str] = set()
        #: {"op": ..., "name": STORE}
        self.ops: dict[str, Callable[[dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]] = {
            "follow": self._follow,  # "host", "port": copy the data of the server there, follow it
            "confirm-together": self._confirm,  # a change counts only once a standby has it
            "standbys": self._standbys,  # -> {"standbys": [[streams, how], ...]}
            "takes-writes": self._takes_writes,  # -> {"takes_writes": bool}
            "fence": self._fence,  # take no writes any more, nor after any start
            "promote": self._promote,  # take writes, say "statements" first; its users may start
        }

    async def close(self) -> None:
        """Let what follows serve, so that its users do not wait for ever."""
        for name in self._following:
            with contextlib.suppress(TarmacError):  # the system is being stopped, too
                self._servers.process(name).lead()

    async def _follow(self, request: dict[str, Any]) -> dict[str, Any]:
        server = self._found(request["name"], Address(request["host"], request["port"]))
        process = self._servers.process(server.name)
        self._following.add(server.name)
        await process.hold_down()
        try:
            await process.follow()
            await delete(server.folder / name for name in server.how.data)
            await self._servers.run(server, server.how.copy, server.how.env)
        finally:
            process.let_up()
        return {}

    async def _confirm(self, request: dict[str, Any]) -> dict[str, Any]:
        server = self._found(request["name"])
        await self._servers.say(server, server.how.confirming)
        await self._servers.say_until_true(server, server.how.confirmed)
        return {}

    async def _standbys(self, request: dict[str, Any]) -> dict[str, Any]:
        server = self._found(request["name"])
        rows = await self._servers.ask(server, server.how.standbys)
        return {"standbys": [[bool(row[0]), str(row[1])] for row in rows]}

    async def _takes_writes(self, request: dict[str, Any]) -> dict[str, Any]:
        server = self._found(request["name"])
        rows = await self._servers.ask(server, server.how.takes_writes)
        return {"takes_writes": bool(rows[0][0])}

    async def _fence(self, request: dict[str, Any]) -> dict[str, Any]:
        """Mark its data; a server that runs ends in an orderly way, and starts like that."""
        server = self._found(request["name"])
        self._following.add(server.name)
        await self._servers.run(server, server.how.fence, server.how.env)
        await self._servers.process(server.name).follow()
        return {}

    async def _promote(self, request: dict[str, Any]) -> dict[str, Any]:
        server = self._found(request["name"])
        await self._servers.say(server, server.how.promote)
        await self._servers.say(server, map(text, request["statements"]))
        self._following.discard(server.name)
        self._servers.process(server.name).lead()
        return {}

    def _found(self, name: str, followed: Address | None = None) -> StoreServer[StoreReplication]:
        address = followed or Address("", 0)  # only what copies another's data needs it
        return self._servers.find(
            name,
            lambda kind, *one: kind.replication(*one, address) if kind.replication else None,
            able=lambda kind: kind.replication,
            what="replicated",
        )
