"""All processes of a system that runs, and what they take; used by several bench files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from tarmac.run.local.host import guard
from tarmac.testing import System


def supervisor(system: System) -> int:
    """Find the process below which all of a system runs; this process has started it."""
    node = next(node.pid for node in system.nodes() if node.pid)
    parents = guard.parents()
    while parents[node] != os.getpid():
        node = parents[node]
    return node


def below(*roots: int) -> set[int]:
    """Return processes and all that they have started."""
    return {one for root in roots for one in (root, *guard.descendants(root))}


def mib(pids: Iterable[int]) -> float:
    """Return the share of memory (PSS) of processes."""
    return sum(map(_pss_kib, pids)) / 1024


def _pss_kib(pid: int) -> int:
    with contextlib.suppress(OSError):  # it has just ended
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return 0
