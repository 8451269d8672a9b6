"""Fills the disks of stores that a drill's copy was given, as it asks; undone when it ends."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from tarmac.base.errors import BadInput, Problem, TarmacError, did_you_mean
from tarmac.run.local.host.disks import Disk
from tarmac.run.local.process import store_mounts
from tarmac.run.local.supervisor import drill_requests as ask

if TYPE_CHECKING:
    from tarmac.run.local.supervisor.handlers import Handlers
    from tarmac.run.local.supervisor.supervisor import Supervisor

#: A store deletes files of its own, and the room is taken again.
REFILL_S = 0.05


class StoreDisks:
    """The disks that one connection keeps full."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._filling: dict[str, asyncio.Task[None]] = {}

    def register(self, handlers: Handlers) -> None:
        """Register what answers each type of request."""
        handlers.on(ask.FillDisk, self._fill)
        handlers.on(ask.DiskSpace, self._space)

    async def close(self) -> None:
        """Give all room back."""
        for name in list(self._filling):
            await self._clear(name)

    async def _fill(self, request: ask.FillDisk) -> None:
        disk = self._disk(request.store)
        await self._clear(request.store)
        if request.on:
            disk.fill()
            self._filling[request.store] = asyncio.create_task(_kept_full(disk))

    async def _space(self, request: ask.DiskSpace) -> tuple[int, int]:
        disk = self._disk(request.store)
        return disk.free_bytes(), disk.size_bytes()

    async def _clear(self, name: str) -> None:
        if (task := self._filling.pop(name, None)) is None:
            return
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        self._disk(name).clear()

    def _disk(self, name: str) -> Disk:
        known = self._supervisor.required().bindings.here
        if name not in known:
            raise BadInput([Problem(name, f"no running store; {did_you_mean(name, known)}")])
        home = self._supervisor.home
        for place in store_mounts.places(home, [name]):
            if place.is_mount():
                return Disk(place)
        raise TarmacError(
            f"{name}: has no disk of its own to fill, which a drill gives to a copy that it "
            "starts; leave --namespace out"
        )


async def _kept_full(disk: Disk) -> None:
    while True:
        disk.fill()
        await asyncio.sleep(REFILL_S)
