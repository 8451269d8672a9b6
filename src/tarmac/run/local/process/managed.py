"""What the supervisor knows of every node, whatever runs it; and which class runs a node."""

from __future__ import annotations

import asyncio
from typing import Protocol

from tarmac.plan.plan import Node
from tarmac.run.local.process.context import ProcessContext
from tarmac.run.local.process.external import ExternalProcess
from tarmac.run.local.process.off import OffProcess
from tarmac.run.local.process.process import Process
from tarmac.run.local.process.task import Task
from tarmac.run.local.state.state import NodeState


class ManagedProcess(Protocol):
    """What the supervisor knows of each node."""

    node: Node
    state: NodeState
    context: ProcessContext
    #: Set while dependents may use it.
    ready: asyncio.Event

    @property
    def running(self) -> bool:
        """Whether connections may be sent to it."""
        ...

    def start(self) -> None:
        """Begin."""
        ...

    def keep(self, node: Node, position: int) -> None:
        """Take over changes of the plan that do not need a restart."""
        ...

    def drain(self) -> None:
        """Take no more work: it is about to be stopped."""
        ...

    async def stop(self) -> None:
        """Stop, after what is in flight."""
        ...


def manage(node: Node, position: int, context: ProcessContext) -> ManagedProcess:
    """Make the process of a node; `start` starts it."""
    if node.role == "task":
        return Task(node, position, context)
    if node.stopped:
        return OffProcess(node, position, context)
    if node.outside:
        return ExternalProcess(node, position, context)
    return Process(node, position, context)
