"""Fills the disks of stores that a drill's copy was given, as it asks; undone when it ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tarmac.base.errors import BadInput, Problem, TarmacError, did_you_mean
from tarmac.run.local.host import disks, privileges
from tarmac.run.local.host.disks import Disk
from tarmac.run.local.process.prepare import nodes_outside
from tarmac.run.local.state.paths import Home
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
        for place in _places(home, [name]):
            if place.is_mount():
                return Disk(place)
        raise TarmacError(
            f"{name}: has no disk of its own to fill, which a drill gives to a copy that it "
            "starts; leave --namespace out"
        )


def mount(home: Home, sizes: Mapping[str, int]) -> None:
    """Give stores a disk each, in memory; sizes in bytes. Raises TarmacError."""
    disks.mount(dict(zip(_places(home, sizes), sizes.values(), strict=True)))


def unmount(home: Home, names: Iterable[str]) -> None:
    """Take their disks away, with all that is on them."""
    disks.unmount(_places(home, names))


def _places(home: Home, names: Iterable[str]) -> list[Path]:
    """Name the folders of stores, as `prepare.folder_of` does."""
    nodes = nodes_outside(home) if privileges.drop() == "setuid" else home.nodes
    return [nodes / name for name in names]


async def _kept_full(disk: Disk) -> None:
    while True:
        disk.fill()
        await asyncio.sleep(REFILL_S)
