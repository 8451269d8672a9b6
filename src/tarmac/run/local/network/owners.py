"""Finds which service a connection comes from: by the process that has the client's socket (Linux).

Part of the wires' process with `up --mtls`. A wire listens on the loopback, where every process of
the machine may connect; so the kernel is asked whose socket it is, as an agent of SPIFFE attests a
workload. What belongs to no process of the system is a developer's: their tools use wires, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from tarmac.run.local.host import kernel
from tarmac.run.local.host.guard import parents

#: Connections that begin within so long are looked for at once: it takes some milliseconds.
TOGETHER_S = 0.005
#: A client's end: its address and port, and the port at the other end. A client's port alone may be
#: that of several connections, to other ports.
End = tuple[str, int, int]


class Owners:
    """The processes of the system, by the identity of their service."""

    def __init__(self) -> None:
        self.pids: Mapping[str, Sequence[int]] = {}
        self._looking: asyncio.Task[dict[End, str]] | None = None

    async def find(self, accepted: asyncio.BaseTransport) -> str:
        """Return the identity of the service that has the other end of it; empty: none has."""
        address, port, *_ = accepted.get_extra_info("peername")
        end = (address, port, accepted.get_extra_info("sockname")[1])
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        return (await asyncio.shield(self._looking)).get(end, "")

    async def _look(self) -> dict[End, str]:
        await asyncio.sleep(TOGETHER_S)
        self._looking = None  # what comes from now on may be missing
        return self._owned()

    def _owned(self) -> dict[End, str]:
        """Return which identity has which end of a connection on this machine."""
        if not kernel.is_known():
            return {}
        ends = {
            one.inode: (one.address.removeprefix("::ffff:"), one.port, one.remote_port)
            for one in kernel.sockets(kernel.ESTABLISHED)
        }
        children: dict[int, list[int]] = {}
        for pid, parent in parents().items():
            children.setdefault(parent, []).append(pid)
        return {
            ends[inode]: identity
            for identity, roots in self.pids.items()
            for root in roots
            for pid in _family(root, children)
            for inode in kernel.inodes_of(pid) & ends.keys()
        }


def _family(root: int, children: Mapping[int, Sequence[int]]) -> Iterator[int]:
    yield root
    for child in children.get(root, ()):
        yield from _family(child, children)
