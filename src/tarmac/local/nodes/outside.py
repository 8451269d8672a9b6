"""A service that somebody else starts, e.g. in a debugger: it is looked at, never touched.

Its wires, its port and its environment (`tarmac env`) are there; only the process is not ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace
from pathlib import Path

from tarmac.errors import TarmacError
from tarmac.launch import AliveProbe, LogProbe, reveal
from tarmac.local.home import state
from tarmac.local.home.state import NodeState, moved
from tarmac.local.nodes.prober import PATIENT_S, Prober
from tarmac.local.nodes.surroundings import Surroundings
from tarmac.plan.plan import Node

WAITS = "yours to start: `tarmac run` does, `tarmac env` prints what it needs"
UNSEEN = f"{WAITS}; without a port nobody sees here whether it runs"


class Outside:
    """A node that is only probed."""

    running = True

    def __init__(self, node: Node, position: int, around: Surroundings) -> None:
        self.node = node
        self.around = around
        self.ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        #: Why its seed could not be sown.
        self._unsown = ""
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
        self.around.record(self.state)

    def start(self) -> None:
        """Let go of its ports and begin to look."""
        self.around.reservations.release(self.node.ports.values())
        self._task = asyncio.create_task(self._look(), name=self.node.name)

    def keep(self, node: Node, position: int) -> None:
        """Take over what changed of the plan."""
        self.node = node
        self.state = replace(self.state, position=position, url=node.url, page=node.page)
        self.around.record(self.state)

    def leave(self) -> None:
        """Stop to send connections to it."""
        self.running = False

    async def stop(self) -> None:
        """Stop to look; the process goes on or not, as its owner likes."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._move(state.STOPPED, "")

    async def _seeds(self) -> str | None:
        """Sow what waits for its tables; say why that fails."""
        if self.ready.is_set():
            return None
        self._unsown = ""
        try:
            await self.around.once_ready(self.node)
        except TarmacError as error:
            self._unsown = str(error)
        return self._unsown or None

    def _move(self, to: str, detail: str) -> None:
        if (to, detail) != (self.state.state, self.state.detail):
            self.state = moved(self.state, to, detail=detail)
            self.around.record(self.state)

    async def _look(self) -> None:
        launch, around = self.node.launch, self.around
        env = {name: reveal(value, around.secrets) for name, value in launch.env.items()}
        cwd = Path(launch.cwd.replace("{folder}", "/"))
        seen = not isinstance(launch.ready, AliveProbe | LogProbe)
        prober = Prober(launch, around, env=env, cwd=cwd)
        while True:
            complaint = await prober.complaint()
            self._unsown = "" if complaint else self._unsown
            complaint = complaint or await self._seeds()
            if (complaint is None) != self.ready.is_set():
                self.ready.clear() if complaint else self.ready.set()
                around.changed()
            missing = around.not_ready(self.node.needs)
            if complaint or not seen:
                self._move(state.OUTSIDE, self._unsown or (WAITS if seen else UNSEEN))
            elif missing:
                self._move(state.READY, f"waits for {', '.join(missing)}")
            else:
                self._move(state.HEALTHY, "started by somebody else")
            await asyncio.sleep(self.node.launch.steady_s if not complaint else PATIENT_S)
