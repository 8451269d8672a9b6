"""What a drill does to processes and edges of a running system; undone when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from tarmac.base.errors import BadInput, Problem, TarmacError, did_you_mean
from tarmac.run.local.process.process import Process
from tarmac.run.local.process.table import ProcessTable
from tarmac.run.local.supervisor import drill_requests as ask
from tarmac.run.local.supervisor.handlers import Handlers

if TYPE_CHECKING:
    from tarmac.run.local.network.mutual_tls import MutualTls
    from tarmac.run.local.network.wiring import Wiring

#: What may be sent to a process: each ends it or asks it to end.
SIGNALS = frozenset({"SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"})
#: One that waits for a disk is stopped only afterwards; a witness says of it that it moves.
STOPPED_LOOKS, STOPPED_POLL_S = 500, 0.004


class Disturbances:
    """What one connection has done, and how it is undone."""

    def __init__(self, processes: ProcessTable, wiring: Wiring | MutualTls) -> None:
        self._processes = processes
        self._wiring = wiring
        self._paused: dict[str, list[int]] = {}
        self._down: dict[str, Process] = {}
        self._wires: set[str] = set()

    def register(self, handlers: Handlers) -> None:
        """Register what answers each type of request."""
        handlers.on(ask.Find, self._find)
        handlers.on(ask.Signal, self._signal)
        handlers.on(ask.Pause, self._pause)
        handlers.on(ask.Moving, self._moving)
        handlers.on(ask.Resume, self._resume)
        handlers.on(ask.HoldDown, self._hold_down)
        handlers.on(ask.LetUp, self._let_up)
        handlers.on(ask.DisturbEdge, self._disturb)

    async def close(self) -> None:
        """Undo whatever is still done."""
        self._go_on(list(self._paused))
        self._start(list(self._down))
        for wire in list(self._wires):
            await self._disturb(ask.DisturbEdge(wire, None))

    async def _signal(self, request: ask.Signal) -> Mapping[str, int]:
        if request.signal not in SIGNALS:
            what = f"signal is '{request.signal}'; one of {', '.join(sorted(SIGNALS))}"
            raise TarmacError(what)
        # The first instance of a service has the service's name, and is meant alone here.
        names = [n for n in self._processes.named(request.names) if n in request.names]
        pids = {name: self._pid(name) for name in names}
        for pid in pids.values():
            os.kill(pid, signal.Signals[request.signal])
        return pids

    async def _pause(self, request: ask.Pause) -> Mapping[str, Sequence[int]]:
        names = self._processes.serving(request.names)
        pids = {name: self._stop(name) for name in names}
        await self._stopped(names)
        return pids

    async def _moving(self, request: ask.Moving) -> Sequence[str]:
        return [name for name in self._processes.serving(request.names) if self._moves(name)]

    async def _resume(self, request: ask.Resume) -> None:
        self._go_on(self._processes.serving(request.names))

    async def _hold_down(self, request: ask.HoldDown) -> None:
        # A region is lost at once.
        await asyncio.gather(*map(self._kill, self._processes.serving(request.names)))

    async def _let_up(self, request: ask.LetUp) -> None:
        self._start(self._processes.serving(request.names))

    async def _disturb(self, request: ask.DisturbEdge) -> None:
        (self._wires.discard if request.rule is None else self._wires.add)(request.id)
        await self._wiring.disturb(request.id, request.rule)
        await self._wiring.settle()  # it does it from now on

    async def _find(self, request: ask.Find) -> Sequence[str]:
        """List the instances of a service, a store, a machine or a zone. Raises BadInput."""
        name = request.name
        nodes = [process.node for process in self._processes.values()]
        serving = (node for node in nodes if node.role != "task")
        placed = [node.name for node in serving if name in (node.zone, node.machine)]
        if placed:
            return placed
        known = {node.service for node in nodes} | {node.name for node in nodes}
        if name not in known:
            known |= {place for node in nodes for place in (node.zone, node.machine) if place}
            hint = did_you_mean(name, known)
            raise BadInput([Problem(name, f"no service, store, machine or zone that runs; {hint}")])
        return self._processes.serving([name])

    def _stop(self, name: str) -> list[int]:
        """Stop a process and all that it has started; a server may have one per connection."""
        import psutil  # noqa: PLC0415 - 15 ms, in a drill only

        if name not in self._paused:
            process = psutil.Process(self._pid(name))
            process.suspend()  # first: it starts no other
            tree = [process, *process.children(recursive=True)]
            self._paused[name] = [one.pid for one in tree]
            for one in tree[1:]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.suspend()
        return self._paused[name]

    async def _stopped(self, names: Sequence[str]) -> None:
        """Wait until the kernel has stopped them: a signal takes effect a moment after it."""
        for _ in range(STOPPED_LOOKS):
            if not any(map(self._moves, names)):
                return
            await asyncio.sleep(STOPPED_POLL_S)

    def _moves(self, name: str) -> bool:
        """Tell whether any process that was paused runs, or another has come in its place."""
        import psutil  # noqa: PLC0415

        pids = self._paused.get(name, [])
        if self._processes[name].state.pid not in pids:
            return True
        for pid in pids:
            with contextlib.suppress(psutil.NoSuchProcess):
                if psutil.Process(pid).status() != psutil.STATUS_STOPPED:
                    return True
        return False

    def _go_on(self, names: Iterable[str]) -> None:
        for name in names:
            for pid in reversed(self._paused.pop(name, [])):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGCONT)

    async def _kill(self, name: str) -> None:
        process = self._processes[name]
        if not isinstance(process, Process):
            raise TarmacError(f"{name}: not kept running by Tarmac, so it cannot be held down")
        self._down[name] = process
        await process.hold_down()

    def _start(self, names: Iterable[str]) -> None:
        for name in names:
            if (process := self._down.pop(name, None)) is not None:
                process.let_up()

    def _pid(self, name: str) -> int:
        state = self._processes[name].state
        if state.pid is None:
            raise TarmacError(f"{name}: not running (state {state.state})")
        return state.pid
