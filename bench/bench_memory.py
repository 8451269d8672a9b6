"""What each system takes in memory, its services forked from one interpreter beside separate ones.

The proportional share (PSS) of every process: services, stores, broker, and what Tarmac itself
runs, its supervisor and guard; the fork server counts with ours. Both sides are idle after the same
start. The shop's services are also shown by themselves. A system with a broker or store that this
machine has to stand in for is measured with the stand-in. Linux only: elsewhere nothing is
measured.
"""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import Any

from bench import processes
from bench.copies import SYSTEMS, changed
from bench.figure import Absent, Figure, sized

from tarmac.run.local.host import guard
from tarmac.testing import running

#: Until what is made at a start and not kept has been given back.
SETTLED_S = 1.0


def measure() -> list[Figure]:
    """Return a figure for each system, in MiB, and one for the shop's services."""
    if not sys.platform.startswith("linux"):
        raise Absent("only Linux tells how pages are shared")
    figures = []
    names = sorted(path.parent.name for path in SYSTEMS.glob("*/tarmac.yaml"))
    for name in sized(names, ["starter"]):
        ours, theirs = (_up(name, isolated=isolated) for isolated in (False, True))
        note = "all processes, stores and Tarmac's own included, idle; theirs isolated; PSS"
        figures.append(Figure(f"memory of {name}", "MiB", ours[0], theirs[0], note))
        if name == "shop":
            title = "memory of the shop's services"
            note = "as above, its six services and pages alone; fork server counted with ours"
            figures.append(Figure(title, "MiB", ours[1], theirs[1], note))
    return figures


def _up(name: str, *, isolated: bool) -> tuple[float, float]:
    """Bring a system up; return what all of it takes, and its services alone, in MiB."""

    def change(system: dict[str, Any]) -> None:
        for service in system["services"].values():
            service["isolated"] = isolated

    with changed(name, change) as file, running(file, name="memory") as system:
        time.sleep(SETTLED_S)
        nodes = system.nodes()
        parents = guard.parents()
        services = {node.pid for node in nodes if node.pid and node.role == "service"}
        services |= {parents[pid] for pid in services if _is_fork_server(parents[pid])}
        everything = processes.below(processes.supervisor(system))
        return processes.mib(everything), processes.mib(processes.below(*services))


def _is_fork_server(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False
