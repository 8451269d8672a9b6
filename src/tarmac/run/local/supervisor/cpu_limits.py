"""Limits the CPU of instances, as a drill asks; undone when its connection ends."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from tarmac.base.errors import TarmacError
from tarmac.base.target import Throttling
from tarmac.run.local.process.table import ProcessTable
from tarmac.run.local.supervisor import drill_requests as ask
from tarmac.run.local.supervisor.handlers import Handlers

if TYPE_CHECKING:
    from tarmac.run.local.supervisor.cpu_quota import CpuQuota


class CpuLimits:
    """What one connection has limited."""

    def __init__(self, processes: ProcessTable) -> None:
        self._processes = processes
        self._quotas: dict[str, CpuQuota] = {}

    def register(self, handlers: Handlers) -> None:
        """Register what answers each type of request."""
        handlers.on(ask.LimitCpu, self._limit)
        handlers.on(ask.Throttlings, self._throttled)

    async def close(self) -> None:
        """Let all use what they want."""
        for name in list(self._quotas):
            await self._quotas.pop(name).end()

    async def _limit(self, request: ask.LimitCpu) -> None:
        from tarmac.run.local.supervisor.cpu_quota import (  # noqa: PLC0415 - in a drill only
            CpuQuota,
        )

        for name in self._processes.serving(request.names):
            if (before := self._quotas.pop(name, None)) is not None:
                await before.end()
            if request.cpus is not None:
                state = self._processes[name].state
                if state.pid is None:
                    raise TarmacError(f"{name}: not running (state {state.state})")
                self._quotas[name] = CpuQuota(request.cpus, partial(self._pid, name))

    async def _throttled(self, request: ask.Throttlings) -> Mapping[str, Throttling]:
        names = self._processes.serving(request.names)
        limited = [name for name in names if name in self._quotas]
        return {name: self._quotas[name].counts() for name in limited}

    def _pid(self, name: str) -> int | None:
        return self._processes[name].state.pid if name in self._processes else None
