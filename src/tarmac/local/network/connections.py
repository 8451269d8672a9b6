"""Finds connections that no declared edge explains, in the kernel's socket table (Linux)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter

from tarmac.local.host import kernel
from tarmac.local.host.guard import descendants
from tarmac.plan.plan import Plan


@dataclass(frozen=True)
class UndeclaredConnection:
    """A service is connected to something that the model does not say it uses."""

    source: str
    target: str
    pid: int
    #: host:port as the service knows it.
    address: str
    #: What the source's entry in the system's file lacks: `calls: [orders]`.
    declaration: str


def find_undeclared(plan: Plan, pids: Mapping[str, int]) -> list[UndeclaredConnection]:
    """List what each service is connected to and should not be; empty where /proc is absent.

    A connection to a wire of another service counts, and one past the wires to what the service
    does not use at all; a declared edge that is used by another way is ignored.

    Args:
        pids: of the nodes that run.
    """
    listening = {wire.listen: wire.target for wire in plan.wires if wire.listen}
    listening.update({port: node.service for node in plan.nodes for port in node.ports.values()})
    declared = {(wire.source, wire.target) for wire in plan.wires}
    roles = {node.service: node.role for node in plan.nodes if node.role != "task"}
    services = {node.name: node.service for node in plan.nodes if node.role in ("service", "task")}
    remote = {
        socket.inode: socket.remote_port
        for socket in kernel.sockets(kernel.ESTABLISHED)
        # Another machine's port may have the same number.
        if socket.remote_port in listening and socket.is_to_loopback
    }
    found: set[UndeclaredConnection] = set()
    for name, pid in pids.items():
        if name not in services or not remote:
            continue
        source = services[name]
        for process in (pid, *descendants(pid)):
            for inode in kernel.inodes_of(process) & remote.keys():
                target = listening[remote[inode]]
                if target != source and (source, target) not in declared:
                    address = f"127.0.0.1:{remote[inode]}"
                    lacks = _declaration(target, roles.get(target, "service"))
                    found.add(UndeclaredConnection(source, target, process, address, lacks))
    return sorted(found, key=attrgetter("source", "target", "pid", "address"))


def _declaration(target: str, role: str) -> str:
    """Write the line by which a service says that it uses this."""
    if role == "store":
        return f"stores: {{{target}: {target}}}"
    return "publishes: [TOPIC]" if role == "broker" else f"calls: [{target}]"
