"""Prints the state of a running system, on this machine or in a cluster."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console

from tarmac.cli.output import printing
from tarmac.run.local.supervisor.status import Status

if TYPE_CHECKING:
    from tarmac.run.system import SystemStatus


def show(console: Console, status: SystemStatus, remarks: Iterable[str] = ()) -> None:
    """Print the state of a system, what else there is to say, and why something is not healthy."""
    if isinstance(status, Status):
        console.print(printing.table(console, status))
        printing.what_differs(console, status)
    else:
        from tarmac.cli.output.show_cluster import show_workloads

        show_workloads(console, status)
    for remark in remarks:
        printing.say(console, remark, "bold red")
    if isinstance(status, Status) and status.running:
        printing.explain_failures(console, status)
