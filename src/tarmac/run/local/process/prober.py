"""Probes one node as its launch says; used by every kind of life that a node can have."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tarmac.base.launch import Launch, LogProbe, Probe
from tarmac.run.local.process import probes
from tarmac.run.local.process.context import ProcessContext

#: Time between probes: until it is ready, until what it needs is ready, and then.
EAGER_S = 0.01
PATIENT_S = 0.2
#: Steady probes wait for the next of these moments: several at once cost a fifth of each by itself.
TOGETHER_S = 0.25


def until_next_s(steady_s: float) -> float:
    """Return how long to leave a node alone that is well: about so long, to a shared moment."""
    now = time.monotonic()
    return (now + steady_s) // TOGETHER_S * TOGETHER_S - now


class Prober:
    """One process's probes, from its start to its end."""

    def __init__(
        self, launch: Launch, context: ProcessContext, *, env: Mapping[str, str], cwd: Path
    ) -> None:
        self._launch = launch
        self._context = context
        self._env = env
        self._cwd = cwd
        self._matched = False
        self._started = time.monotonic()

    def look(self, line: str) -> None:
        """Take a line of its output: a log probe may await it."""
        probe = self._launch.ready
        if isinstance(probe, LogProbe) and not self._matched:
            self._matched = probe.matches(line)

    async def booted(self, report: Callable[[str], None]) -> str:
        """Wait until it is booted; return why not, if the deadline comes first."""
        if self._launch.booted is None:
            return ""
        within_s = self._launch.booted_within_s
        late = await self._until(self._launch.booted, within_s, report)
        return f"not booted within {within_s:g} s ({late})" if late else ""

    async def ready(self, report: Callable[[str], None]) -> str:
        """Wait until it is ready; return why not, if the deadline comes first."""
        within_s = self._launch.ready_within_s
        late = await self._until(self._launch.ready, within_s, report)
        return f"not ready within {within_s:g} s ({late})" if late else ""

    async def complaint(self) -> str | None:
        """Try once whether it is ready; None if it is, else why not."""
        return await self._try(self._launch.ready)

    async def _until(self, probe: Probe, within_s: float, report: Callable[[str], None]) -> str:
        pause_s = EAGER_S
        while complaint := await self._try(probe):
            if time.monotonic() > self._started + within_s:
                return complaint
            report(complaint)
            await asyncio.sleep(pause_s)
            pause_s = min(PATIENT_S, pause_s * 1.2)
        return ""

    async def _try(self, probe: Probe) -> str | None:
        return await probes.passes(
            probe,
            host=self._context.host,
            secrets=self._context.secrets,
            env=self._env,
            cwd=self._cwd,
            matched=self._matched,
            lived_s=time.monotonic() - self._started,
            spawner=self._context.spawner,
        )
