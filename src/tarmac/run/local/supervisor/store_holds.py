"""Keeps stores stopped while a client copies or exchanges their data; their users run on.

When its connection ends, however that happens, the stores start again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

from tarmac.base.errors import TarmacError
from tarmac.run.local.snapshots import exchange
from tarmac.run.local.stores import contents
from tarmac.run.local.supervisor import drill_requests as ask
from tarmac.run.local.supervisor.handlers import Handlers
from tarmac.run.local.supervisor.requests import WriteOut
from tarmac.run.local.supervisor.supervisor import Supervisor

#: A server that starts serves within this time, or its users are told why it does not.
START_S = 120.0


class StoreHolds:
    """The stores that one connection holds."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._release = asyncio.Event()
        self._stopped = asyncio.Event()
        #: Those that served before: of the others nothing is awaited.
        self._served: list[str] = []
        self._began = 0.0
        self._holding: asyncio.Task[None] | None = None

    def register(self, handlers: Handlers) -> None:
        """Register what answers each type of request."""
        handlers.on(ask.HoldStores, self._hold)
        handlers.on(ask.ReleaseStores, self._release_all)

    async def close(self) -> None:
        """Start the stores that are still held."""
        with contextlib.suppress(TarmacError, OSError):
            await self._end()

    async def _hold(self, request: ask.HoldStores) -> None:
        if self._holding is not None:
            raise TarmacError("the stores are held already; release them first")
        await write_out(self._supervisor, WriteOut(request.names))
        down = self._supervisor.processes.not_ready(request.names)
        self._served = [name for name in request.names if name not in down]
        self._began = time.monotonic()
        self._release.clear()
        self._stopped.clear()
        held = self._supervisor.restart_stopped(request.names, between=self._wait)
        self._holding = asyncio.create_task(held)
        stopped = asyncio.create_task(self._stopped.wait())
        await asyncio.wait({self._holding, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if self._holding.done():  # it was refused
            task, self._holding = self._holding, None
            await task

    async def _wait(self) -> None:
        self._stopped.set()
        await self._release.wait()
        # The client may have died in the middle of an exchange.
        await asyncio.to_thread(exchange.complete, self._supervisor.home)

    async def _release_all(self, _: ask.ReleaseStores) -> float:
        await self._end()
        try:
            async with asyncio.timeout(START_S):
                for name in self._served:
                    await self._supervisor.processes.wait_ready(name)
            return time.monotonic() - self._began
        except TimeoutError:
            what = f"a store does not serve {START_S:g} s after its start; see `tarmac logs`"
            raise TarmacError(what) from None

    async def _end(self) -> None:
        self._release.set()
        task, self._holding = self._holding, None
        if task is not None:
            await task


async def write_out(supervisor: Supervisor, request: WriteOut) -> None:
    """Make servers write out what their stop would write while they take no request."""
    now = supervisor.required()
    for name in request.names:
        kind, context = now.bindings.kinds[name], now.bindings.views[name]
        if kind.snapshot.before_stop and kind.sql_url is not None:
            with contextlib.suppress(TarmacError):  # one that is down needs none
                statement = (kind.snapshot.before_stop,)
                await contents.say(kind.sql_url(context), [statement], now.secrets)
