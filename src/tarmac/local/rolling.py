"""Replaces what runs without a gap: a successor starts beside it, and takes its place once ready.

Used by the supervisor. A successor that fails changes nothing but what is shown: the old one serves
on, with the reason beside it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

from tarmac.local.lives import Life
from tarmac.local.process import Failure, Process
from tarmac.local.surroundings import Surroundings
from tarmac.plan.plan import Node, Plan


class Rolls:
    """The replacements that are under way.

    Args:
        exchange: puts the successor (second) in its predecessor's place and stops that one.
    """

    def __init__(self, exchange: Callable[[Life, Life], Awaitable[None]]) -> None:
        self._exchange = exchange
        self._successors: set[Process] = set()

    def can(self, old: Life, new: Node) -> bool:
        """Tell whether a node serves now and its successor would be a process of ours."""
        return isinstance(old, Process) and old.ready.is_set() and not new.outside

    async def run(
        self, plan: Plan, names: Iterable[str], lives: Mapping[str, Life], around: Surroundings
    ) -> dict[str, str]:
        """Replace these nodes: services side by side, a service's instances one after another.

        Returns:
            Why, for each that could not be replaced.
        """
        services: dict[str, list[str]] = {}
        for name in names:
            services.setdefault(plan.node(name).service, []).append(name)

        positions = {node.name: position for position, node in enumerate(plan.nodes)}

        async def one(service: list[str]) -> dict[str, str]:
            failed: dict[str, str] = {}
            for name in service:
                if failed:  # the next instance would fail as well
                    failed[name] = next(iter(failed.values()))
                    continue
                node, position = plan.node(name), positions[name]
                if why := await self._replace(lives[name], node, position, around):
                    failed[name] = why
            return failed

        outcomes = await asyncio.gather(*map(one, services.values()))
        return {name: why for failed in outcomes for name, why in failed.items()}

    def give_up(self, why: str) -> None:
        """Stop waiting for successors: something newer comes."""
        for successor in self._successors:
            if not successor.outcome.done():
                successor.outcome.set_result(Failure(why, ""))

    async def _replace(self, old: Life, node: Node, position: int, around: Surroundings) -> str:
        began = time.monotonic()
        successor = Process(node, position, around, successor=True)
        self._successors.add(successor)
        try:
            successor.start()
            failure = await successor.outcome
        finally:
            self._successors.discard(successor)
        assert isinstance(old, Process)  # noqa: S101 - `can` asked
        if failure is not None:
            await successor.stop()
            old.complain(failure)
            old.log.note(f"the new one does not start, this one serves on: {failure.detail}")
            return failure.detail + (f" ({failure.cause})" if failure.cause else "")
        successor.emerge(old.state.restarts)
        successor.log.note(f"takes over after {time.monotonic() - began:.2f} s")
        old.recede()
        await self._exchange(old, successor)
        return ""
