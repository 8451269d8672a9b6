"""Keeps an instance to a share of the CPU for a drill, as the kernel does with a CPU limit.

Kubernetes has the kernel's scheduler stop what has used up its quota of a period. That takes
control groups, which not every machine lets its users have; so the supervisor does it with signals:
it adds up what the instance's processes use, stops them when that is more than they may, and lets
them go on when it is not. One that needs less never stands still. Used by cpu_limits.py only.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable

import psutil

from tarmac.base.target import Throttling
from tarmac.run.local.host import guard

#: How often to look, and how often to look for processes that it has started.
CHECK_S, TREE_S = 0.02, 0.25
#: What may be saved up: the quota of the period that Kubernetes uses.
PERIOD_S = 0.1


class CpuQuota:
    """The quota of one instance, with all that it has started.

    Args:
        cpus: how many it may use: 0.5 is half a core's time.
        find_pid: tells its process now; None while it has none.
    """

    def __init__(self, cpus: float, find_pid: Callable[[], int | None]) -> None:
        self._cpus = cpus
        self._find_pid = find_pid
        self._tree: dict[int, psutil.Process] = {}
        self._root: int | None = None
        self._is_stopped = False
        #: What it may use before it is stopped; less than nothing: what it has used too much.
        self._left_s = 0.0
        self._times = 0
        self._used_s = 0.0
        self._began = time.monotonic()
        self._task = asyncio.create_task(self._keep())

    async def end(self) -> None:
        """Let it use what it wants."""
        self._task.cancel()
        await asyncio.wait([self._task])

    def counts(self) -> Throttling:
        """Return how often it was stopped, and what it used in which time."""
        elapsed_s = time.monotonic() - self._began
        return Throttling(self._times, self._used_s, elapsed_s)

    async def _keep(self) -> None:
        looked_s = last_s = 0.0
        known: dict[int, float] = {}
        try:
            while True:
                now_s = time.monotonic()
                if now_s - looked_s > TREE_S or self._find_pid() != self._root:
                    looked_s = now_s
                    self._look()
                used = {pid: _used_s(process) for pid, process in self._tree.items()}
                spent_s = sum(max(0.0, now - known.get(pid, now)) for pid, now in used.items())
                self._spend(spent_s, now_s - (last_s or now_s))
                known, last_s = used, now_s
                await asyncio.sleep(CHECK_S)
        finally:
            self._go_on()

    def _look(self) -> None:
        """Find its processes; new ones stop with the others."""
        root = self._find_pid()
        if root != self._root:
            self._go_on()
            self._root, self._tree = root, {}
        pids = [] if root is None else [root, *guard.descendants(root)]
        for pid in set(pids) - self._tree.keys():
            with contextlib.suppress(psutil.NoSuchProcess):
                self._tree[pid] = psutil.Process(pid)
                if self._is_stopped:
                    _send(pid, signal.SIGSTOP)
        for pid in self._tree.keys() - set(pids):
            del self._tree[pid]

    def _spend(self, used_s: float, elapsed_s: float) -> None:
        self._used_s += used_s
        saved_s = self._left_s + self._cpus * elapsed_s - used_s
        self._left_s = min(saved_s, self._cpus * PERIOD_S)
        if self._left_s < 0 and not self._is_stopped:
            self._is_stopped = True
            self._times += 1
            for pid in self._tree:
                _send(pid, signal.SIGSTOP)
        elif self._left_s >= 0:
            self._go_on()

    def _go_on(self) -> None:
        if self._is_stopped:
            self._is_stopped = False
            for pid in self._tree:
                _send(pid, signal.SIGCONT)


def _used_s(process: psutil.Process) -> float:
    """Return the CPU time of a process and of its children that have ended; 0 once it is gone."""
    try:
        return sum(process.cpu_times()[:4])
    except psutil.Error:
        return 0.0


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(OSError):  # it has ended
        os.kill(pid, number)
