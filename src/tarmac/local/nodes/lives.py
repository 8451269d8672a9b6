"""The kinds of life that a node can have, and which one a node begins."""

from __future__ import annotations

import asyncio
from typing import Protocol

from tarmac.local.home.state import NodeState
from tarmac.local.nodes.outside import Outside
from tarmac.local.nodes.process import Process
from tarmac.local.nodes.surroundings import Surroundings
from tarmac.local.nodes.task import Task
from tarmac.plan.plan import Node


class Life(Protocol):
    """What the supervisor knows of each node."""

    node: Node
    state: NodeState
    around: Surroundings
    #: Set while others may count on it.
    ready: asyncio.Event

    @property
    def running(self) -> bool:
        """Whether connections may be sent to it."""
        ...

    def start(self) -> None:
        """Begin."""
        ...

    def keep(self, node: Node, position: int) -> None:
        """Take over what changed of the plan but does not concern how it runs."""
        ...

    def leave(self) -> None:
        """Take no more work: it is about to be stopped."""
        ...

    async def stop(self) -> None:
        """End, after what is in hand."""
        ...


def begin(node: Node, position: int, around: Surroundings) -> Life:
    """Make the life that a node is to have; `start` begins it."""
    if node.role == "task":
        return Task(node, position, around)
    if node.outside:
        return Outside(node, position, around)
    return Process(node, position, around)
