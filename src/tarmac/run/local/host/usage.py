"""CPU time and memory of processes, each with all that it has started."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """What a tree of processes has used: CPU time since their start, memory now."""

    cpu_s: float = 0.0
    memory_bytes: int = 0


def of_trees(roots: Iterable[int]) -> dict[int, Usage]:
    """Measure some processes and their descendants, in one pass; ended processes are omitted.

    Memory that processes share (PostgreSQL's buffers) counts once for each tree.
    """
    import psutil  # noqa: PLC0415 - 15 ms, only where it is asked

    wanted = set(roots)
    found = {
        process.pid: process.info
        for process in psutil.process_iter(["ppid", "cpu_times", "memory_info"])
    }
    cpu_s = dict.fromkeys(wanted & found.keys(), 0.0)
    own = dict.fromkeys(cpu_s, 0)
    shared = dict.fromkeys(cpu_s, 0)
    for pid, info in found.items():
        root = _root(pid, wanted, found)
        if root is None or info["memory_info"] is None or info["cpu_times"] is None:
            continue
        times, memory = info["cpu_times"], info["memory_info"]
        # Of children that ended, too: a server may have one for each connection.
        cpu_s[root] += sum(times[:4])
        shared_bytes = getattr(memory, "shared", 0)
        own[root] += memory.rss - shared_bytes
        shared[root] = max(shared[root], shared_bytes)
    return {root: Usage(cpu_s[root], own[root] + shared[root]) for root in cpu_s}


def _root(pid: int, wanted: set[int], found: dict[int, dict[str, int]]) -> int | None:
    """Return the nearest of the wanted processes above one, or that one itself."""
    seen: set[int] = set()
    while pid in found and pid not in seen:
        if pid in wanted:
            return pid
        seen.add(pid)
        pid = found[pid]["ppid"]
    return None
