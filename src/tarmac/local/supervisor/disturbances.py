"""What a drill does to a running system, undone when its connection ends, however that ends.

One JSON line asks, one answers, on a connection to the control socket that began with the verb
`disturb`:

{"op": "find", "name": "zone-a"}           ->   {"names": [...]}, its instances
{"op": "signal", "names": ["orders-db"], "signal": "SIGKILL"}
{"op": "pause", "names": [...]}      {"op": "resume", "names": [...]}      with all descendants
{"op": "moving", "names": [...]}           ->   {"names": [...]}, those that are not paused
{"op": "hold-down", "names": [...]}  {"op": "let-up", "names": [...]}      killed, not started again
{"op": "wire", "id": "orders->db:main", "rule": {"delay_s": 0.2}}          null: as before
and those of `recoveries`, `replications`, `read_only_stores`, `temporary_options`, `cpu_limits` and
`notes`
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import traceback
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Protocol

from tarmac.errors import BadInput, Problem, TarmacError, did_you_mean
from tarmac.local.network.wiring import Wiring
from tarmac.local.process.process import Process
from tarmac.local.process.table import ProcessTable
from tarmac.local.supervisor.responses import failure_line, success_line

#: What may be sent to a process: each ends it or asks it to end.
SIGNALS = frozenset({"SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"})
#: One that waits for a disk is stopped only afterwards; a witness says of it that it moves.
STOPPED_LOOKS, STOPPED_POLL_S = 500, 0.004


class DrillRequests(Protocol):
    """Requests of a drill that another module answers."""

    @property
    def ops(self) -> Mapping[str, Callable[[dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]]:
        """What answers, by `op`."""

    async def close(self) -> None:
        """Undo whatever is still done."""


class Disturbances:
    """What one connection has done, and how it is undone."""

    def __init__(
        self, processes: ProcessTable, wiring: Wiring, others: Sequence[DrillRequests] = ()
    ) -> None:
        self._processes = processes
        self._others = others
        self._wiring = wiring
        self._paused: dict[str, list[int]] = {}
        self._down: dict[str, Process] = {}
        self._wires: set[str] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests until the connection ends, then undo what is left."""
        try:
            writer.write(success_line())
            while line := await reader.readline():
                writer.write(await self._answer(line))
                await writer.drain()
        except (OSError, ValueError):
            pass  # it was killed, or a line is endless
        finally:
            await self.undo()

    async def undo(self) -> None:
        """Undo whatever is still done."""
        self._resume(list(self._paused))
        self._let_up(list(self._down))
        for wire in list(self._wires):
            await self._wire(wire, None)
        for other in self._others:
            await other.close()

    async def _answer(self, line: bytes) -> bytes:
        try:
            return success_line(**await self._carry_out(json.loads(line)))
        except (TarmacError, OSError) as error:
            return failure_line(error)
        except Exception as error:  # noqa: BLE001 - reported to the client and logged
            traceback.print_exc()
            return failure_line(TarmacError(f"{type(error).__name__}: {error}"))

    async def _carry_out(self, request: dict[str, Any]) -> dict[str, Any]:
        op = request["op"]
        if op == "wire":
            await self._wire(request["id"], request["rule"])
            return {}
        if op == "find":
            return {"names": self._find(request["name"])}
        for other in self._others:
            if op in other.ops:
                return await other.ops[op](request)
        names = self._processes.named(request["names"])
        if op == "signal":
            return {"pids": self._send(names, request["signal"])}
        if op == "pause":
            pids = {name: self._pause(name) for name in names}
            await self._stopped(names)
            return {"pids": pids}
        if op == "moving":
            return {"names": [name for name in names if self._moves(name)]}
        if op == "resume":
            self._resume(names)
        elif op == "hold-down":
            await asyncio.gather(*map(self._hold_down, names))  # a region is lost at once
        elif op == "let-up":
            self._let_up(names)
        else:
            raise TarmacError(f"unknown op '{op}'")
        return {}

    def _find(self, name: str) -> list[str]:
        """List the instances of a service, a store, a machine or a zone. Raises BadInput."""
        nodes = [process.node for process in self._processes.values()]
        placed = [node.name for node in nodes if name in (node.zone, node.machine)]
        if placed:
            return placed
        known = {node.service for node in nodes} | {node.name for node in nodes}
        if name not in known:
            known |= {place for node in nodes for place in (node.zone, node.machine) if place}
            hint = did_you_mean(name, known)
            raise BadInput([Problem(name, f"no service, store, machine or zone that runs; {hint}")])
        return self._processes.named([name])

    def _send(self, names: Iterable[str], name: str) -> dict[str, int]:
        if name not in SIGNALS:
            raise TarmacError(f"signal is '{name}'; one of {', '.join(sorted(SIGNALS))}")
        pids = {process: self._pid(process) for process in names}
        for pid in pids.values():
            os.kill(pid, signal.Signals[name])
        return pids

    def _pause(self, name: str) -> list[int]:
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

    def _resume(self, names: Iterable[str]) -> None:
        for name in names:
            for pid in reversed(self._paused.pop(name, [])):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGCONT)

    async def _hold_down(self, name: str) -> None:
        process = self._processes[name]
        if not isinstance(process, Process):
            raise TarmacError(f"{name}: not kept running by Tarmac, so it cannot be held down")
        self._down[name] = process
        await process.hold_down()

    def _let_up(self, names: Iterable[str]) -> None:
        for name in names:
            if (process := self._down.pop(name, None)) is not None:
                process.let_up()

    async def _wire(self, wire: str, rule: dict[str, Any] | None) -> None:
        (self._wires.discard if rule is None else self._wires.add)(wire)
        await self._wiring.disturb(wire, rule)
        await self._wiring.settle()  # it does it from now on

    def _pid(self, name: str) -> int:
        state = self._processes[name].state
        if state.pid is None:
            raise TarmacError(f"{name}: not running (state {state.state})")
        return state.pid
