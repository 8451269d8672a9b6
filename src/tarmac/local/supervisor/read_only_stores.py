"""Makes stores refuse writes, as a drill asks; undone when its connection ends.

{"op": "read-only", "name": "orders-db", "on": true}                       false: as before
{"op": "is-writable", "name": "orders-db"}                 ->   {"writable": false}
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from tarmac.errors import TarmacError
from tarmac.local.supervisor.store_servers import StoreServer, StoreServers
from tarmac.stores.kind import StoreReadOnly


class ReadOnlyStores:
    """The stores that one connection has made read-only."""

    def __init__(self, servers: StoreServers) -> None:
        self._servers = servers
        self._changed: set[str] = set()
        self.ops: dict[str, Callable[[dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]] = {
            "read-only": self._change,
            "is-writable": self._ask,
        }

    async def close(self) -> None:
        """Have all of them take writes."""
        for name in list(self._changed):
            with contextlib.suppress(TarmacError):  # one that is down takes them at its next start
                await self._change({"name": name, "on": False})

    async def _change(self, request: dict[str, Any]) -> dict[str, Any]:
        server = self._found(request["name"])
        if request["on"]:
            self._changed.add(server.name)  # first: half of it may have been done
            await self._servers.say(server, server.how.begin)
        else:
            await self._servers.say(server, server.how.end)
            self._changed.discard(server.name)
        return {}

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        server = self._found(request["name"])
        rows = await self._servers.ask(server, server.how.takes_writes)
        return {"writable": bool(rows[0][0])}

    def _found(self, name: str) -> StoreServer[StoreReadOnly]:
        return self._servers.find(
            name,
            lambda kind, *_: kind.read_only,
            able=lambda kind: kind.read_only,
            what="made read-only",
        )
