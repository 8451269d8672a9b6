"""Finds connections that no declared edge explains, in the kernel's socket table (Linux)."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tarmac.local.guard import descendants
from tarmac.plan.plan import Plan

_ESTABLISHED = "01"  # include/net/tcp_states.h
#: 127.0.0.0/8, the same as an IPv6 address, and ::1, each as the kernel writes its words.
_LOOPBACK = re.compile(r"(?:0{16}FFFF0000)?.{6}7F|0{24}01000000", re.IGNORECASE)
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


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
    remote = _established(listening)
    found: set[Undeclared] = set()
    for name, pid in pids.items():
        if name not in services or not remote:
            continue
        source = services[name]
        for each, inode in _sockets([pid, *descendants(pid)]):
            if (port := remote.get(inode)) is None:
                continue
            target = listening[port]
            if target != source and (source, target) not in declared:
                found.add(Undeclared(source, target, each, f"127.0.0.1:{port}"))
    return sorted(found, key=lambda each: (each.source, each.target, each.pid, each.address))


def _established(ports: Iterable[int]) -> dict[str, int]:
    """Map the sockets of connections to these ports, as /proc/PID/fd shows them, to the port."""
    wanted = set(ports)
    found: dict[str, int] = {}
    for table in _TABLES:
        with contextlib.suppress(OSError):
            for line in table.read_text().splitlines()[1:]:
                fields = line.split()
                host, _, port = fields[2].rpartition(":")
                if fields[3] != _ESTABLISHED or int(port, 16) not in wanted:
                    continue
                if _LOOPBACK.fullmatch(host):  # another machine's port may have the same number
                    found[f"socket:[{fields[9]}]"] = int(port, 16)
    return found


def _sockets(pids: Iterable[int]) -> Iterator[tuple[int, str]]:
    for pid in pids:
        with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as descriptors:
            for descriptor in descriptors:
                with contextlib.suppress(OSError):
                    yield pid, os.readlink(descriptor.path)  # noqa: PTH115 - hot: many files
