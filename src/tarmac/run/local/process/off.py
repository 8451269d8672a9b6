"""A service that was stopped while the rest runs: nothing is started or probed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from tarmac.plan.plan import Node
from tarmac.run.local.process.context import ProcessContext
from tarmac.run.local.state import state
from tarmac.run.local.state.state import NodeState, transition


class OffProcess:
    """A node without a process; its wires lead nowhere."""

    running = False

    def __init__(self, node: Node, position: int, context: ProcessContext) -> None:
        self.node = node
        self.context = context
        self.ready = asyncio.Event()
        self.state = NodeState(
            name=node.name,
            role=node.role,
            about=node.about,
            state=state.OFF,
            since=time.time(),
            url=node.url,
            page=node.page,
            ports=node.ports,
            position=position,
            detail=f"stopped; `tarmac start {node.service}` starts it",
        )

    def start(self) -> None:
        """Release its ports."""
        self.context.reservations.release(self.node.ports.values())
        self.context.record(self.state)

    def keep(self, node: Node, position: int) -> None:
        """Take over what changed of the plan."""
        self.node = node
        self.state = replace(self.state, position=position, url=node.url, page=node.page)
        self.context.record(self.state)

    def drain(self) -> None:
        """Do nothing: it has no connections."""

    async def stop(self) -> None:
        """Record that the system stops."""
        self.state = transition(self.state, state.STOPPED, detail="")
        self.context.record(self.state)
