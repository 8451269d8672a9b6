"""A service started outside Tarmac, e.g. in a debugger: it is probed, never signalled.

Its wires, its port and its environment (`tarmac env`) are there; only the process is not ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace
from pathlib import Path

from tarmac.base.errors import TarmacError
from tarmac.base.launch import AliveProbe, LogProbe, reveal
from tarmac.plan.plan import Node
from tarmac.run.local.process.context import ProcessContext
from tarmac.run.local.process.prober import PATIENT_S, Prober
from tarmac.run.local.state import state
from tarmac.run.local.state.state import NodeState, transition

WAITS = "not managed (--without): start it with `tarmac run`; `tarmac env` prints its environment"
UNPROBED = f"{WAITS}; without a port its state is unknown"


class ExternalProcess:
    """A node that is only probed."""

    running = True

    def __init__(self, node: Node, position: int, context: ProcessContext) -> None:
        self.node = node
        self.context = context
        self.ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        #: Why its seed could not be applied.
        self._seed_error = ""
        self.state = NodeState(
            name=node.name,
            role=node.role,
            about=node.about,
            state=state.OUTSIDE,
            since=time.time(),
            url=node.url,
            page=node.page,
            ports=node.ports,
            position=position,
            detail=WAITS,
        )
        self.context.record(self.state)

    def start(self) -> None:
        """Release its ports and begin to probe."""
        self.context.reservations.release(self.node.ports.values())
        self._task = asyncio.create_task(self._look(), name=self.node.name)

    def keep(self, node: Node, position: int) -> None:
        """Take over what changed of the plan."""
        self.node = node
        self.state = replace(self.state, position=position, url=node.url, page=node.page)
        self.context.record(self.state)

    def drain(self) -> None:
        """Send it no more connections."""
        self.running = False

    async def stop(self) -> None:
        """Stop to look; the process goes on or not, as its user likes."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._move(state.STOPPED, "")

    async def _apply_seeds(self) -> str | None:
        """Apply the seeds that need its tables; return why that fails."""
        if self.ready.is_set():
            return None
        self._seed_error = ""
        try:
            await self.context.once_ready(self.node)
        except TarmacError as error:
            self._seed_error = str(error)
        return self._seed_error or None

    def _move(self, to: str, detail: str) -> None:
        if (to, detail) != (self.state.state, self.state.detail):
            self.state = transition(self.state, to, detail=detail)
            self.context.record(self.state)

    async def _look(self) -> None:
        launch, context = self.node.launch, self.context
        env = {name: reveal(value, context.secrets) for name, value in launch.env.items()}
        cwd = Path(launch.cwd.replace("{folder}", "/"))
        seen = not isinstance(launch.ready, AliveProbe | LogProbe)
        prober = Prober(launch, context, env=env, cwd=cwd)
        while True:
            complaint = await prober.complaint()
            self._seed_error = "" if complaint else self._seed_error
            complaint = complaint or await self._apply_seeds()
            if (complaint is None) != self.ready.is_set():
                self.ready.clear() if complaint else self.ready.set()
                context.changed()
            missing = context.not_ready(self.node.needs)
            if complaint or not seen:
                self._move(state.OUTSIDE, self._seed_error or (WAITS if seen else UNPROBED))
            elif missing:
                self._move(state.READY, f"waits for {', '.join(missing)}")
            else:
                self._move(state.HEALTHY, "started outside Tarmac")
            await asyncio.sleep(self.node.launch.steady_s if not complaint else PATIENT_S)
