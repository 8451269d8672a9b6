"""Reads the edges of a system in a cluster, or with Compose.

A caller's own metrics tell the role that it has called; the model says which service plays that.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tarmac.model.edge import ENTRY, Edge
from tarmac.model.system import System
from tarmac.run.pod_objectives import Counting
from tarmac.run.telemetry import awaited, metrics, storage

#: Attempts of the kit's client, by `role` and `outcome`.
ATTEMPTS = "client_requests_total"
ANSWERED = ("2xx", "3xx", "4xx")


@dataclass(frozen=True)
class CountedEdge:
    """A declared edge, and what came of it since the pods of its caller began."""

    source: str
    target: str
    kind: str
    #: None: nothing counts them.
    requests: float | None = None
    failed: float | None = None

    @property
    def unused(self) -> bool:
        """Whether it is counted, and nothing was."""
        return self.requests == 0


@dataclass(frozen=True)
class PodEdges:
    """Each declared edge; connections that nothing declares are not counted."""

    edges: Sequence[CountedEdge]
    undeclared: Sequence[dict[str, Any]] = ()
    #: A mesh refuses in the cluster; nothing of it is counted here.
    refused: Mapping[tuple[str, str], int] = field(default_factory=dict)
    all_used: str = "every call that is counted was used since its pods began"

    @property
    def count(self) -> int:
        """How many edges there are."""
        return len(self.edges)

    def unused(self) -> PodEdges:
        """Keep those that are counted and were never used."""
        return replace(self, edges=[edge for edge in self.edges if edge.unused])

    def as_data(self) -> dict[str, Any]:
        """Write it as plain data, for --json."""
        return {"edges": [asdict(edge) | {"unused": edge.unused} for edge in self.edges]}


def pod_edges(system: System, services: Collection[str], counting: Counting) -> PodEdges:
    """Read what the instances of callers have counted of each declared edge.

    Args:
        services: those that have metrics.
    """
    declared = [edge for edge in system.edges if edge.source != ENTRY]
    told = {edge.source for edge in declared if edge.kind == "call"} & set(services)
    with counting(told) as telemetry:
        awaited.wait_read(telemetry, told)
        with contextlib.closing(storage.reader(telemetry)) as stored:
            return PodEdges([_counted(stored, system, edge) for edge in declared])


def _counted(stored: sqlite3.Connection, system: System, edge: Edge) -> CountedEdge:
    named = CountedEdge(edge.source, edge.target, edge.kind)
    if edge.kind != "call":
        return named
    roles = {edge.target, *system.roles(edge.target)}
    found = [
        (labels["outcome"], total)
        for labels, total in metrics.totals(stored, edge.source, ATTEMPTS)
        if labels.get("role") in roles
    ]
    if not found:
        return named
    failed = sum(total for outcome, total in found if outcome not in ANSWERED)
    requests = sum(total for _, total in found)
    return CountedEdge(edge.source, edge.target, edge.kind, requests, failed)
