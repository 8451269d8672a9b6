"""Finds connections that no declared edge explains, in the kernel's socket table (Linux)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tarmac.local.machine import kernel
from tarmac.local.starting.guard import descendants
from tarmac.plan.plan import Plan


@dataclass(frozen=True)
class Undeclared:
    """A service is connected to something that the model does not say it uses."""

    source: str
    target: str
    pid: int
    #: host:port as the service knows it.
    address: str


def undeclared(plan: Plan, pids: Mapping[str, int]) -> list[Undeclared]:
    """List what each service is connected to and should not be; empty where /proc is absent.

    A connection to a wire of another service counts, and one past the wires to what the service
    does not use at all; who uses a declared edge by another way is left alone.

    Args:
        pids: of the nodes that run.
    """
    listening = {wire.listen: wire.target for wire in plan.wires if wire.listen}
    listening.update({port: node.service for node in plan.nodes for port in node.ports.values()})
    declared = {(wire.source, wire.target) for wire in plan.wires}
    services = {node.name: node.service for node in plan.nodes if node.role in ("service", "task")}
    remote = {
        each.inode: each.remote_port
        for each in kernel.sockets(kernel.ESTABLISHED)
        # Another machine's port may have the same number.
        if each.remote_port in listening and each.is_to_loopback
    }
    found: set[Undeclared] = set()
    for name, pid in pids.items():
        if name not in services or not remote:
            continue
        source = services[name]
        for each in (pid, *descendants(pid)):
            for inode in kernel.inodes_of(each) & remote.keys():
                target = listening[remote[inode]]
                if target != source and (source, target) not in declared:
                    address = f"127.0.0.1:{remote[inode]}"
                    found.add(Undeclared(source, target, each, address))
    return sorted(found, key=lambda each: (each.source, each.target, each.pid, each.address))
