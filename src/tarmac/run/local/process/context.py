"""What every process of a system shares, and how they notify each other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from tarmac.plan.plan import Node
from tarmac.run.local.host.sockets import Reservations
from tarmac.run.local.process.forks import ForkServers
from tarmac.run.local.process.spawn import Spawner
from tarmac.run.local.state.paths import Home
from tarmac.run.local.state.state import NodeState


class ReadinessChanged:
    """Wakes all coroutines that wait for a change of readiness; no polling."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def notify(self) -> None:
        """Wake all that wait now."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, at_most_s: float) -> None:
        """Wait for the next change, or so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await self._event.wait()


@dataclass(frozen=True)
class ProcessContext:
    """What every process of a system shares."""

    home: Home
    host: str
    spawner: Spawner
    forks: ForkServers
    secrets: Mapping[str, str]
    #: Writes a node's state down.
    record: Callable[[NodeState], None]
    #: Tells which of these nodes are not ready now.
    not_ready: Callable[[tuple[str, ...]], list[str]]
    #: Notified whenever a node became ready or ceased to be.
    readiness_changed: ReadinessChanged
    #: Says that a node became ready or ceased to be.
    changed: Callable[[], None]
    #: Returns when this node is ready.
    wait_ready: Callable[[str], Awaitable[None]]
    #: The ports that are held while the node that listens there does not run.
    reservations: Reservations
    #: Reports that another process took a port of this node: it needs another.
    port_lost: Callable[[str], None]
    #: Runs once the node is ready, before it counts so: its seeds.
    once_ready: Callable[[Node], Awaitable[None]]
