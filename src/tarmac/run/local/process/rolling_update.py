"""Replaces an instance without downtime: the new one starts beside it, and takes over once ready.

Used by the supervisor. A new instance that fails to start changes nothing but the shown status: the
previous instance keeps serving, with the reason beside it.
"""

from __future__ import annotations

import asyncio
import os.path
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from tarmac.plan.plan import EdgeProxy, Node, Plan
from tarmac.run.local.diagnostics.diagnosis import Failure
from tarmac.run.local.process.context import ProcessContext
from tarmac.run.local.process.managed import ManagedProcess
from tarmac.run.local.process.process import Process

#: How programs name a line of their code: Python `File "/a.py", line 3`, most others `/a.js:3`.
_LOCATION = re.compile(r"""(/[^\s:"'()]+)"?(?:, line |:)(\d+)""")


class RollingUpdate:
    """The replacements that are under way.

    Args:
        exchange: puts the replacement (second) in its previous instance's place and stops that one.
    """

    def __init__(
        self, exchange: Callable[[ManagedProcess, ManagedProcess], Awaitable[None]]
    ) -> None:
        self._exchange = exchange
        self._replacements: set[Process] = set()
        #: Why no replacement is waited for: something newer waits for its turn.
        self._given_up = ""

    def can(self, old: ManagedProcess, new: Node, wires: Iterable[EdgeProxy]) -> bool:
        """Tell whether the old instance serves, on no port of a wire, and the new one is ours."""
        in_place = old.node.listening.isdisjoint(wire.listen for wire in wires)
        return isinstance(old, Process) and old.ready.is_set() and in_place and not new.outside

    async def run(
        self,
        plan: Plan,
        names: Iterable[str],
        processes: Mapping[str, ManagedProcess],
        context: ProcessContext,
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
                if why := await self._replace(processes[name], node, position, context):
                    failed[name] = why
            return failed

        outcomes = await asyncio.gather(*map(one, services.values()))
        return {name: why for failed in outcomes for name, why in failed.items()}

    def allow(self) -> None:
        """Reset `give_up`: wait for replacements again."""
        self._given_up = ""

    def give_up(self, why: str) -> None:
        """Wait for no replacements until `allow`, not for those that begin meanwhile either."""
        self._given_up = why
        for replacement in self._replacements:
            if not replacement.outcome.done():
                replacement.outcome.set_result(Failure(why, ""))

    async def _replace(
        self, old: ManagedProcess, node: Node, position: int, context: ProcessContext
    ) -> str:
        if self._given_up:
            return self._given_up
        began = time.monotonic()
        replacement = Process(node, position, context, replacement=True)
        self._replacements.add(replacement)
        try:
            replacement.start()
            failure = await replacement.outcome
        finally:
            self._replacements.discard(replacement)
        assert isinstance(old, Process)  # noqa: S101 - `can` asked
        if failure is not None:
            await replacement.stop()
            if self._given_up:  # not a failure of the new version
                return self._given_up
            place = _place(failure.last_lines, node.launch.sources)
            failure = replace(failure, detail=f"{place}{failure.detail}")
            old.show_failed_update(failure)
            old.log.note(
                f"new version failed to start; this instance keeps serving: {failure.detail}"
            )
            return failure.detail + (f" ({failure.cause})" if failure.cause else "")
        replacement.take_over(old.state.restarts)
        replacement.log.note(f"took over after {time.monotonic() - began:.2f} s")
        old.step_back()
        await self._exchange(old, replacement)
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
