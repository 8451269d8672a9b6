"""What the shop's six services take in memory, forked from one interpreter beside separate ones.

The proportional share (PSS) of each service's processes, that of the fork server with ours; both
sides idle after the same start. Linux only: elsewhere nothing is measured.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
from pathlib import Path

import yaml
from bench.copies import copy
from bench.figure import Figure

from tarmac.local.starting import guard

SHOP = Path(__file__).resolve().parents[1] / "systems/shop"
ROUNDS = 3


def measure() -> list[Figure]:
    """Return one figure in MB."""
    if not sys.platform.startswith("linux"):
        return []
    pairs = [(_up(isolated=False), _up(isolated=True)) for _ in range(ROUNDS)]
    ours, theirs = (statistics.median(values) for values in zip(*pairs, strict=True))
    note = f"six services, idle; fork server counted with ours; PSS, medians of {ROUNDS}"
    return [Figure("memory of the shop's services", "MB", ours, theirs, note)]


def _up(*, isolated: bool) -> float:
    """Bring a copy of the shop up; return what its services take, in MB."""
    with copy(_shop(isolated=isolated)) as system:
        system.tarmac("up", "-d")
        pids = {node["pid"] for node in system.nodes() if node["role"] == "service"}
        parents = guard.parents()
        servers = {parents[pid] for pid in pids if _is_fork_server(parents[pid])}
        return sum(map(_pss_bytes, pids | servers)) / 1e6


def _shop(*, isolated: bool) -> str:
    system = yaml.safe_load((SHOP / "tarmac.yaml").read_text(encoding="utf-8"))
    for service in system["services"].values():
        source = service["source"]
        parts = source if isinstance(source, list) else [source]
        service["source"] = [str((SHOP / part).resolve()) for part in parts]
        service["isolated"] = isolated
    for store in system["stores"].values():
        if isinstance(store, dict):
            store.pop("seed", None)
    return yaml.safe_dump(system, sort_keys=False)


def _is_fork_server(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def _pss_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
