"""What a running system does between two observations: requests, CPU and memory.

Read by `tarmac top`, `tarmac edges` and the dashboard.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tarmac.base.errors import TarmacError
from tarmac.base.target import WORLD
from tarmac.run.local.host import usage
from tarmac.run.local.host.usage import Usage
from tarmac.run.local.network.durations import RequestSummary
from tarmac.run.local.state.paths import Home
from tarmac.run.local.state.state import NodeState
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.requests import Edges
from tarmac.run.local.supervisor.status import Status

_NUMBER = re.compile(r"\.\d+$")
Edge = dict[str, Any]


@dataclass(frozen=True)
class Observation:
    """A system at one moment."""

    #: Monotonic.
    at: float
    status: Status
    edges: Sequence[Edge] = ()
    undeclared: Sequence[dict[str, Any]] = ()
    #: By pid, as measured at a moment of its own: that takes longer than all the rest.
    usage: Mapping[int, Usage] = field(default_factory=dict)
    used_at: float = 0.0


@dataclass(frozen=True)
class Rates:
    """Requests of a second; None where none are counted (`--inspect`)."""

    requests_per_s: float | None = None
    failed_per_s: float | None = None
    p95_s: float | None = None


@dataclass(frozen=True)
class Activity:
    """What a service or store does, all of its instances together."""

    name: str
    role: str
    nodes: tuple[NodeState, ...]
    #: Of one core; None between observations of different processes.
    cpu_share: float | None
    memory_bytes: int | None
    #: Requests that it was sent.
    rates: Rates


def observe(home: Home, known: Observation | None = None) -> Observation | None:
    """Observation at a system now; None where nothing ever ran.

    Args:
        known: an earlier observation whose CPU times and memory are recent enough.
    """
    at, status = time.monotonic(), client.status(home)
    if status is None:
        return None
    if not status.running:
        return Observation(at, status)
    if known is None:
        used = usage.of_trees(node.pid for node in status.nodes if node.pid)
        seen = Observation(at, status, usage=used, used_at=at)
    else:
        seen = Observation(at, status, usage=known.usage, used_at=known.used_at)
    try:
        answer = client.ask(home, Edges())
    except TarmacError:  # it is starting or ending: the nodes say so
        return seen
    return replace(seen, edges=answer.edges, undeclared=answer.undeclared)


def service_of(name: str) -> str:
    """Return the service or store that an instance is of: `orders` of `orders.2`."""
    return _NUMBER.sub("", name)


def activities(before: Observation, now: Observation) -> list[Activity]:
    """Return what each service and store did between two observations, in the system's order."""
    groups: dict[str, list[NodeState]] = {}
    for node in now.status.nodes:
        if node.role != "task":
            groups.setdefault(service_of(node.name), []).append(node)
    return [
        Activity(
            name,
            nodes[0].role,
            tuple(nodes),
            _cpu_share(before, now, nodes),
            _memory_bytes(now, nodes),
            rates(before, now, [edge for edge in now.edges if edge["target"] == name]),
        )
        for name, nodes in groups.items()
    ]


@dataclass(frozen=True)
class NodeUsage:
    """CPU and memory of one instance; None where they are not known."""

    cpu_share: float | None
    memory_bytes: int | None


def usage_of(before: Observation, now: Observation, node: NodeState) -> NodeUsage:
    """Return what one instance used between two observations."""
    return NodeUsage(_cpu_share(before, now, [node]), _memory_bytes(now, [node]))


def unused(edges: Iterable[Edge]) -> set[tuple[str, str]]:
    """Return source and target of each declared edge that was never used since the start.

    One without any connection by any of its ports; none where nothing counts them. What comes from
    outside is declared by no edge: a port without visits is not among these.
    """
    connections: Counter[tuple[str, str]] = Counter()
    for edge in edges:
        if edge["source"] != WORLD and "connections" in edge:
            connections[edge["source"], edge["target"]] += edge["connections"] + edge.get(
                "direct", 0
            )
    return {ends for ends, count in connections.items() if not count}


def rates(before: Observation, now: Observation, edges: Iterable[Edge]) -> Rates:
    """Return the requests of some edges from one observation to another."""
    earlier = {_key(edge): edge for edge in before.edges}
    requests: Counter[str] = Counter()
    durations: Counter[str] = Counter()
    is_counted = False
    for edge in edges:
        if "requests" not in edge:
            continue
        is_counted = True
        old = earlier.get(_key(edge), {})
        for total, kind in ((requests, "requests"), (durations, "durations")):
            # Without what is below zero: the wires' process may be another, which begins at 0.
            total.update(Counter(edge[kind]) - Counter(old.get(kind, {})))
    if not is_counted:
        return Rates()
    seconds = max(now.at - before.at, 1e-9)
    found = RequestSummary.of({"requests": requests, "durations": durations})
    if found is None:
        return Rates(0.0, 0.0)
    return Rates(found.requests / seconds, found.failed / seconds, found.p95_s)


def _key(edge: Edge) -> tuple[str, str, str]:
    return edge["source"], edge["target"], edge["port"]


def _cpu_share(before: Observation, now: Observation, nodes: Iterable[NodeState]) -> float | None:
    known = now.usage.keys() & before.usage.keys()
    pids = [node.pid for node in nodes if node.pid and node.pid in known]
    if not pids or now.used_at <= before.used_at:
        return None
    used_s = sum(now.usage[pid].cpu_s - before.usage[pid].cpu_s for pid in pids)
    return max(0.0, used_s / (now.used_at - before.used_at))


def _memory_bytes(now: Observation, nodes: Iterable[NodeState]) -> int | None:
    pids = [node.pid for node in nodes if node.pid]
    found = [now.usage[pid].memory_bytes for pid in pids if pid in now.usage]
    return sum(found) if found else None
