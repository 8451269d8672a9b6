"""Draws what runs elsewhere: workloads with their pods or containers, and edges."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from tarmac.base import figures
from tarmac.cli.output import printing
from tarmac.run.cluster_system import ClusterStatus
from tarmac.run.compose_system import ComposeStatus
from tarmac.run.pod_edges import PodEdges
from tarmac.run.system import EdgeTraffic, SystemStatus


def show_workloads(console: Console, status: SystemStatus) -> None:
    """Print workloads, their pods, and why one is not ready."""
    if isinstance(status, ComposeStatus):
        _show_composed(console, status)
        return
    assert isinstance(status, ClusterStatus)  # noqa: S101 - there are three kinds
    table = printing.columns(("NAME", "STATE", "NODE"), ("RESTARTS",))
    for state in status.workloads:
        style = "green" if state.readiness.ready else "bold red"
        table.add_row(Text(state.name), Text(state.readiness.detail, style), "", "")
        for pod in state.pods:
            shown = Text(pod.state, "" if pod.ready else "yellow")
            table.add_row(f"  {pod.name}", shown, pod.node, str(pod.restarts or ""))
    console.print(table)
    _show_causes(console, status)


def _show_composed(console: Console, status: ComposeStatus) -> None:
    table = printing.columns(("NAME", "STATE", "ADDRESS"), ("RESTARTS",))
    for state in status.workloads:
        style = "green" if state.ready else "bold red"
        table.add_row(Text(state.name), Text(state.detail, style), "", "")
        for one in state.containers:
            shown = Text(one.detail, "" if one.serves else "yellow")
            published = ", ".join(one.published.values())
            table.add_row(f"  {one.name}", shown, published, str(one.restarts or ""))
    console.print(table)
    _show_causes(console, status)


def _show_causes(console: Console, status: ClusterStatus | ComposeStatus) -> None:
    for state in status.workloads:
        for cause in state.causes:
            printing.say(console, f"{state.name}: {cause.text}", "bold red")


def show_edges(console: Console, found: EdgeTraffic) -> None:
    """Print a line for each edge, then those that are counted and were never used."""
    assert isinstance(found, PodEdges)  # noqa: S101 - there are two kinds
    table = printing.columns(("FROM", "TO", "KIND"), ("REQUESTS", "FAILED"))
    for edge in found.edges:
        numbers = ("-" if n is None else figures.number(n) for n in (edge.requests, edge.failed))
        table.add_row(Text(edge.source), Text(edge.target), edge.kind, *numbers)
    console.print(table)
    for edge in found.edges:
        if edge.unused:
            said = f"declared, not used since its pods began: {edge.source} -> {edge.target}"
            printing.say(console, said)
