"""Replaces what runs without a gap: a successor starts beside it, and takes its place once ready.

Used by the supervisor. A successor that fails changes nothing but what is shown: the old one serves
on, with the reason beside it.
"""

from __future__ import annotations

import asyncio
import os.path
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from tarmac.local.failures.diagnosis import Failure
from tarmac.local.nodes.lives import Life
from tarmac.local.nodes.process import Process
from tarmac.local.nodes.surroundings import Surroundings
from tarmac.plan.plan import Node, Plan, Wire

#: How programs name a line of their code: Python `File "/a.py", line 3`, most others `/a.js:3`.
_LOCATION = re.compile(r"""(/[^\s:"'()]+)"?(?:, line |:)(\d+)""")


class Rolls:
    """The replacements that are under way.

    Args:
        exchange: puts the successor (second) in its predecessor's place and stops that one.
    """

    def __init__(self, exchange: Callable[[Life, Life], Awaitable[None]]) -> None:
        self._exchange = exchange
        self._successors: set[Process] = set()
        #: Why no successor is waited for: something newer waits for its turn.
        self._given_up = ""

    def can(self, old: Life, new: Node, wires: Iterable[Wire]) -> bool:
        """Tell whether a node serves now, where no wire is to, and its successor would be ours."""
        in_place = old.node.listening.isdisjoint(wire.listen for wire in wires)
        return isinstance(old, Process) and old.ready.is_set() and in_place and not new.outside

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

    def allow(self) -> None:
        """Begin anew: what was given up for waits no longer."""
        self._given_up = ""

    def give_up(self, why: str) -> None:
        """Wait for no successors until `allow`, not for those that begin meanwhile either."""
        self._given_up = why
        for successor in self._successors:
            if not successor.outcome.done():
                successor.outcome.set_result(Failure(why, ""))

    async def _replace(self, old: Life, node: Node, position: int, around: Surroundings) -> str:
        if self._given_up:
            return self._given_up
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
            if self._given_up:  # that is nobody's mistake
                return self._given_up
            place = _place(failure.last_lines, node.launch.sources)
            failure = replace(failure, detail=f"{place}{failure.detail}")
            old.complain(failure)
            old.log.note(f"the new one does not start, this one serves on: {failure.detail}")
            return failure.detail + (f" ({failure.cause})" if failure.cause else "")
        successor.emerge(old.state.restarts)
        successor.log.note(f"takes over after {time.monotonic() - began:.2f} s")
        old.recede()
        await self._exchange(old, successor)
        return ""


def _place(lines: Sequence[str], sources: Sequence[str]) -> str:
    """Find the line of its own code that the last words of a program name; empty if there is none.

    Returns:
        `tarmac_orders/app.py:12: `, seen from the folder of the sources that it lies in.
    """
    for line in reversed(lines):
        for path, number in reversed(_LOCATION.findall(line)):
            for source in sources:
                if path.startswith(f"{source.rstrip('/')}/"):
                    return f"{os.path.relpath(path, source)}:{number}: "
    return ""
