"""CPU time and memory of processes, each with all that it has started."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tarmac.run.local.host.guard import parents


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
    above = parents() or {p.pid: p.info["ppid"] for p in psutil.process_iter(["ppid"])}
    cpu_s = dict.fromkeys(wanted & above.keys(), 0.0)
    own = dict.fromkeys(cpu_s, 0)
    shared = dict.fromkeys(cpu_s, 0)
    for pid in above:
        root = _root(pid, wanted, above)
        if root is None:  # most of a machine's processes: they are not measured
            continue
        with contextlib.suppress(psutil.Error), (process := psutil.Process(pid)).oneshot():
            times, memory = process.cpu_times(), process.memory_info()
            # Of children that ended, too: a server may have one for each connection.
            cpu_s[root] += sum(times[:4])
            shared_bytes = getattr(memory, "shared", 0)
            own[root] += memory.rss - shared_bytes
            shared[root] = max(shared[root], shared_bytes)
    return {root: Usage(cpu_s[root], own[root] + shared[root]) for root in cpu_s}


def _root(pid: int, wanted: set[int], above: Mapping[int, int]) -> int | None:
    """Return the nearest of the wanted processes above one, or that one itself."""
    seen: set[int] = set()
    while pid in above and pid not in seen:
        if pid in wanted:
            return pid
        seen.add(pid)
        pid = above[pid]
    return None
