"""How much memory the services of a running system take."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tarmac.base import evidence
from tarmac.base.errors import TarmacError
from tarmac.base.evidence import Evidence
from tarmac.run.local.host.guard import descendants
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client

MEASURE = "measure:memory"
#: The seconds of each step of the pipeline, for a change of one service.
PIPELINE = "measure:pipeline"


def memory(file: Path, namespace: str, inputs: str) -> Evidence:
    """Measure each service of a running copy, the largest of its instances.

    What a process shares with others is counted as its own: in a container it shares nothing.

    Raises:
        TarmacError: nothing runs there, or this is not Linux.
    """
    home = Home.of(file, namespace)
    status = client.status(home)
    if status is None or not client.is_running(home):
        raise TarmacError(f"{home.root}: the system is not running; `tarmac up` starts it")
    if not Path("/proc/self/smaps_rollup").exists():
        raise TarmacError("/proc: memory can be measured on Linux only; leave out --target local")
    found: dict[str, float] = {}
    for node in status.nodes:
        if node.role == "service" and node.pid:
            name = re.sub(r"-\d+$", "", node.name) if node.name[-1].isdigit() else node.name
            taken = of_tree(node.pid)
            found[name] = max(taken, found.get(name, 0.0))
    return Evidence(
        what=MEASURE,
        status="pass",
        level="observed",
        target="local",
        inputs=inputs,
        rule="resident memory of a service's processes, the largest instance, in bytes",
        command=f"tarmac up {file} && tarmac verify {file} --target local",
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        samples=found,
        tools={"tarmac": version("tarmac")},
        machine=evidence.machine(),
    )


def of_tree(pid: int) -> float:
    """Measure a process with all that it has started, in bytes; 0 where that has just ended."""
    return sum(_resident(one) for one in (pid, *descendants(pid)))


def _resident(pid: int) -> float:
    """Read a process's resident memory in bytes; 0 where it has just ended."""
    try:
        written = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0.0
    match = re.search(r"^Rss:\s+(\d+) kB", written, re.MULTILINE)
    return float(match[1]) * 1024 if match else 0.0
