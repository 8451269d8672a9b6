"""Reads and draws the edges of a system in a cluster; used by the verb `edges`.

A caller's own metrics tell the role that it has called; the model says which service plays that.
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from tarmac.cli import _show
from tarmac.cluster.running import RunningSystem
from tarmac.drills.pod_metrics import pod_metrics
from tarmac.drills.running_system import wait_read
from tarmac.model.edge import ENTRY, Edge, edges
from tarmac.model.system import System
from tarmac.telemetry import metrics, storage

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


def read(running: RunningSystem, system: System) -> list[CountedEdge]:
    """Read what the pods of callers have counted of each declared edge.

    Raises:
        Refusal: the cluster does not show its pods.
    """
    declared = [edge for edge in edges(system) if edge.source != ENTRY]
    running.look()  # what may not be seen is told now, and not awaited
    calling = {edge.source for edge in declared if edge.kind == "call"}
    told = {one.name for one in running.plan.services if one.metrics is not None} & calling
    with pod_metrics(running, told) as telemetry:
        wait_read(telemetry, told)
        with contextlib.closing(storage.reader(telemetry)) as stored:
            return [_counted(stored, system, edge) for edge in declared]


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


def show(console: Console, found: list[CountedEdge]) -> None:
    """Print a line for each edge, then those that are counted and were never used."""
    table = _show.columns(("FROM", "TO", "KIND"), ("REQUESTS", "FAILED"))
    for edge in found:
        numbers = ("-" if n is None else f"{n:.0f}" for n in (edge.requests, edge.failed))
        table.add_row(Text(edge.source), Text(edge.target), edge.kind, *numbers)
    console.print(table)
    for edge in found:
        if edge.unused:
            said = f"declared, not used since its pods began: {edge.source} -> {edge.target}"
            console.print(said, soft_wrap=True, markup=False)
