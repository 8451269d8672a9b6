"""Finds connections that go by no wire, in the kernel's socket table (Linux)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter

from tarmac.plan.plan import Plan
from tarmac.run.local.host import kernel
from tarmac.run.local.host.guard import descendants


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


@dataclass(frozen=True)
class UnseenConnections:
    """What services are connected to now by another way than their wires."""

    undeclared: list[UndeclaredConnection]
    #: By wire: connections of its source to its target that go past it, as to an address that a
    #: service registry tells.
    direct: Mapping[str, int]


def look(plan: Plan, pids: Mapping[str, int]) -> UnseenConnections:
    """Look at what each service is connected to; nothing is found where /proc is absent.

    A connection to a wire of another service is undeclared, and so is one past the wires to what
    the service does not use at all.

    Args:
        pids: of the nodes that run.
    """
    wires = {wire.listen: wire.target for wire in plan.wires if wire.listen}
    servers = {n: (node.service, port) for node in plan.nodes for port, n in node.ports.items()}
    listening = {**wires, **{number: service for number, (service, _) in servers.items()}}
    declared = {(wire.source, wire.target) for wire in plan.wires}
    by_end = {(w.source, w.target, w.port): w.id for w in plan.wires if w.listen}
    roles = {node.service: node.role for node in plan.nodes if node.role != "task"}
    found: set[UndeclaredConnection] = set()
    direct: Counter[str] = Counter()
    for source, process, port in _connected(plan, pids, listening.keys()):
        target = listening[port]
        if target == source:
            continue
        if (source, target) not in declared:
            lacks = _declaration(target, roles.get(target, "service"))
            address = f"127.0.0.1:{port}"
            found.add(UndeclaredConnection(source, target, process, address, lacks))
        elif port in servers and (wire := by_end.get((source, *servers[port]))):
            direct[wire] += 1
    undeclared = sorted(found, key=attrgetter("source", "target", "pid", "address"))
    return UnseenConnections(undeclared, direct)


def _connected(
    plan: Plan, pids: Mapping[str, int], ports: Collection[int]
) -> Iterator[tuple[str, int, int]]:
    """Yield each connection of a service to one of these ports: service, pid and port."""
    services = {node.name: node.service for node in plan.nodes if node.role in ("service", "task")}
    remote = {
        socket.inode: socket.remote_port
        for socket in kernel.sockets(kernel.ESTABLISHED)
        # Another machine's port may have the same number.
        if socket.remote_port in ports and socket.is_to_loopback
    }
    for name, pid in pids.items():
        if name in services and remote:
            for process in (pid, *descendants(pid)):
                for inode in kernel.inodes_of(process) & remote.keys():
                    yield services[name], process, remote[inode]


def _declaration(target: str, role: str) -> str:
    """Write the line by which a service says that it uses this."""
    if role == "store":
        return f"stores: {{{target}: {target}}}"
    return "publishes: [TOPIC]" if role == "broker" else f"calls: [{target}]"
