"""Every life of a system by its node's name, and what others ask of them all.

A service is ready when one of its instances is; a task is asked for by its own name.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterable

from tarmac.errors import BadInput, Problem, did_you_mean
from tarmac.local.edges.wiring import Target
from tarmac.local.nodes.lives import Life
from tarmac.local.nodes.surroundings import Pulse
from tarmac.plan import graph
from tarmac.plan.plan import Node, Wire


class Roster(dict[str, Life]):
    """The lives, in the plan's order."""

    def __init__(self, pulse: Pulse) -> None:
        super().__init__()
        self._pulse = pulse
        #: Nobody uses it any more: services need not outlive those that call them.
        self.hasty = False

    def named(self, names: Iterable[str]) -> list[str]:
        """List the nodes that are meant: nodes, or services with all their instances; or all.

        Raises:
            BadInput: a name that is not part of the system.
        """
        wanted: dict[str, None] = {}
        problems = []
        for name in names:
            meant = [node for node, life in self.items() if name in (node, life.node.service)]
            wanted.update(dict.fromkeys(meant))
            if not meant:
                hint = did_you_mean(name, self)
                problems.append(Problem(name, f"not part of the system; {hint}"))
        if problems:
            raise BadInput(problems)
        return list(wanted or self)

    def not_ready(self, names: Iterable[str]) -> list[str]:
        """List those of these services, stores and tasks of which nothing is ready."""
        ready: set[str] = set()
        for name, life in self.items():
            if life.ready.is_set():
                ready.update({name} if life.node.role == "task" else {name, life.node.service})
        return [name for name in names if name not in ready]

    async def wait_ready(self, name: str) -> None:
        """Return when it is ready."""
        while self.not_ready((name,)):
            await self._pulse.wait(1.0)

    def targets(self, wire: Wire) -> tuple[Target, ...]:
        """List the instances that a wire may connect to."""
        return tuple(
            (name, life.node.ports[wire.port], life.ready.is_set())
            for name, life in self.items()
            if life.node.service == wire.target and life.running and wire.port in life.node.ports
        )

    async def stop(self, names: Iterable[str], before: Callable[[], Awaitable[None]]) -> None:
        """Stop in the reverse order of a start: what needs others goes first.

        Args:
            before: called when some have been told to take no more work, before they are stopped.
        """
        left = {name: self[name] for name in names}
        nodes = {name: life.node for name, life in left.items()}
        order = graph.waves(_stores_last(nodes) if self.hasty else _order(nodes))
        for group in reversed(order):
            for name in group:
                left[name].leave()
            await before()
            stops = (left[name].stop() for name in group)
            for failed in await asyncio.gather(*stops, return_exceptions=True):
                if isinstance(failed, BaseException):
                    traceback.print_exception(failed)
        for name in left:
            del self[name]


def _order(nodes: dict[str, Node]) -> dict[str, tuple[str, ...]]:
    """Say who goes after whom; callers wait for what they call unless calls go in a circle."""
    needs = {name: node.needs for name, node in nodes.items()}
    return {name: node.after for name, node in nodes.items()} if graph.cycle(needs) else needs


def _stores_last(nodes: dict[str, Node]) -> dict[str, tuple[str, ...]]:
    """Say who goes after whom where only stores must outlive others."""
    stores = {name for name, node in nodes.items() if node.role in ("store", "broker")}
    return {name: tuple(stores & {*node.needs, *node.after}) for name, node in nodes.items()}
