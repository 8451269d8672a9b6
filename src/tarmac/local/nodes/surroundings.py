"""What every process of a system shares, and how they hear of each other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from tarmac.local.home.paths import Home
from tarmac.local.home.state import NodeState
from tarmac.local.machine.sockets import Reservations
from tarmac.local.starting.forks import Forks
from tarmac.local.starting.spawn import Spawner
from tarmac.plan.plan import Node


class Pulse:
    """Wakes everyone who waits for a change of readiness; waiting for it costs nothing."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def beat(self) -> None:
        """Wake all who wait now."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, at_most_s: float) -> None:
        """Wait for the next beat, or so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await self._event.wait()


@dataclass(frozen=True)
class Surroundings:
    """What every process of a system shares."""

    home: Home
    host: str
    spawner: Spawner
    forks: Forks
    secrets: Mapping[str, str]
    #: Writes a node's state down.
    record: Callable[[NodeState], None]
    #: Tells which of these nodes are not ready now.
    not_ready: Callable[[tuple[str, ...]], list[str]]
    #: Beats whenever a node became ready or ceased to be.
    pulse: Pulse
    #: Says that a node became ready or ceased to be.
    changed: Callable[[], None]
    #: Returns when this node is ready.
    wait_ready: Callable[[str], Awaitable[None]]
    #: The ports that are held while the node that listens there does not run.
    reservations: Reservations
    #: Says that somebody else took a port of this node: it needs another.
    port_lost: Callable[[str], None]
    #: Runs once the node is ready, before it counts so: its seeds.
    once_ready: Callable[[Node], Awaitable[None]]
