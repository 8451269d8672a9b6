"""Every process of a system by its node's name, and what others ask of them all.

A service is ready when one of its instances is; a task is asked for by its own name.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import NamedTuple

from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.plan import graph
from tarmac.plan.plan import EdgeProxy, Node
from tarmac.run.local.process.context import ReadinessChanged
from tarmac.run.local.process.managed import ManagedProcess

#: How often a stop says what it still waits for; a server may have ten seconds to end.
SLOW_S = 5.0


class Instance(NamedTuple):
    """An instance of a service that a wire may connect to."""

    name: str
    port: int
    ready: bool


class ProcessTable(dict[str, ManagedProcess]):
    """The processes, in the plan's order."""

    def __init__(self, readiness_changed: ReadinessChanged) -> None:
        super().__init__()
        self._readiness_changed = readiness_changed
        #: The system is unused: services need not outlive their callers.
        self.skip_drain = False

    def named(self, names: Iterable[str]) -> list[str]:
        """List the nodes of these names: nodes, or services with all their instances; or all.

        Raises:
            BadInput: a name that is not part of the system.
        """
        wanted: dict[str, None] = {}
        problems = []
        for name in names:
            meant = [node for node, process in self.items() if name in (node, process.node.service)]
            wanted.update(dict.fromkeys(meant))
            if not meant:
                hint = did_you_mean(name, self)
                problems.append(Problem(name, f"not part of the system; {hint}"))
        if problems:
            raise BadInput(problems)
        return list(wanted or self)

    def serving(self, names: Collection[str]) -> list[str]:
        """List the nodes of these names without tasks of services: those end, and serve nothing.

        Raises:
            BadInput: a name that is not part of the system.
        """
        found = self.named(names)
        return [one for one in found if one in names or self[one].node.role != "task"]

    def not_ready(self, names: Iterable[str]) -> list[str]:
        """List those of these services, stores and tasks of which nothing is ready."""
        ready: set[str] = set()
        for name, process in self.items():
            if process.ready.is_set():
                ready.update(
                    {name} if process.node.role == "task" else {name, process.node.service}
                )
        return [name for name in names if name not in ready]

    async def wait_ready(self, name: str) -> None:
        """Return when it is ready."""
        while self.not_ready((name,)):
            await self._readiness_changed.wait(1.0)

    async def wait_all_ready(self, within_s: float) -> None:
        """Return once every service and store is ready, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not self or self.not_ready({one.node.service for one in self.values()}):
                    await self._readiness_changed.wait(within_s)

    def targets(self, wire: EdgeProxy) -> tuple[Instance, ...]:
        """List the instances that a wire may connect to."""
        return tuple(
            Instance(name, process.node.ports[wire.port], process.ready.is_set())
            for name, process in self.items()
            if process.node.service == wire.target
            and process.running
            and wire.port in process.node.ports
        )

    async def stop(self, names: Iterable[str], before: Callable[[], Awaitable[None]]) -> None:
        """Stop in the reverse order of a start: what needs others goes first.

        Args:
            before: called when some have been told to take no more work, before they are stopped.
        """
        left = {name: self[name] for name in names}
        nodes = {name: process.node for name, process in left.items()}
        order = graph.waves(_stores_last(nodes) if self.skip_drain else _order(nodes))
        for group in reversed(order):
            for name in group:
                left[name].drain()
            await before()
            stops = [asyncio.create_task(left[name].stop(), name=name) for name in group]
            pending = set(stops)
            while pending:
                _, pending = await asyncio.wait(pending, timeout=SLOW_S)
                for slow in sorted(task.get_name() for task in pending):
                    print(f"still stopping {slow} ({left[slow].state.state})", flush=True)
            for failed in (task.exception() for task in stops):
                if failed is not None:
                    traceback.print_exception(failed)
        for name in left:
            del self[name]


def _order(nodes: dict[str, Node]) -> dict[str, tuple[str, ...]]:
    """Return the start order: callers after what they call, unless calls form a cycle."""
    needs = {name: node.needs for name, node in nodes.items()}
    return {name: node.after for name, node in nodes.items()} if graph.cycle(needs) else needs


def _stores_last(nodes: dict[str, Node]) -> dict[str, tuple[str, ...]]:
    """Return the start order in which only stores must outlive others."""
    stores = {name for name, node in nodes.items() if node.role in ("store", "broker")}
    return {name: tuple(stores & {*node.needs, *node.after}) for name, node in nodes.items()}
