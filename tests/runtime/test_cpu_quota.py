"""A quota of CPU time, kept by signals."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import psutil
import pytest

from tarmac.run.local.supervisor.cpu_quota import CpuQuota

#: A parent that waits for a child that never rests.
BUSY = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"
LONG_S = 60.0


@pytest.fixture
def busy():
    with subprocess.Popen([sys.executable, "-c", BUSY]) as process:
        tree = psutil.Process(process.pid)
        while not tree.children():
            time.sleep(0.01)
        children = tree.children()
        yield process
        for one in (tree, *children):
            one.kill()


@pytest.fixture
def idle():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.communicate(b"\n")


async def until(condition) -> None:
    async with asyncio.timeout(LONG_S):
        while not condition():  # noqa: ASYNC110 - another process's
            await asyncio.sleep(0.01)


def is_stopped(process: subprocess.Popen[bytes]) -> bool:
    tree = psutil.Process(process.pid)
    return {one.status() for one in (tree, *tree.children())} == {psutil.STATUS_STOPPED}


async def test_what_a_tree_uses_stays_within_its_quota_and_at_the_end_it_goes_on(busy):
    quota = CpuQuota(0.1, lambda: busy.pid)

    def is_limited() -> bool:
        """Whether it has used no more than it may, but for what it is stopped for now."""
        counts = quota.counts()
        return counts.times >= 5 and 0 < counts.used_s < 0.15 * counts.elapsed_s

    await until(is_limited)
    await until(lambda: is_stopped(busy))
    await quota.end()
    assert not is_stopped(busy)
    (child,) = psutil.Process(busy.pid).children()
    used_s = child.cpu_times().user
    await until(lambda: child.cpu_times().user > used_s)


async def test_what_needs_less_is_never_stopped(idle):
    quota = CpuQuota(1.5, lambda: idle.pid)
    await until(lambda: quota.counts().elapsed_s > 0.3)
    assert quota.counts().times == 0
    await quota.end()


async def test_another_process_in_its_place_has_the_same_quota(busy):
    pid: list[int | None] = [None]
    quota = CpuQuota(0.05, lambda: pid[0])
    await until(lambda: quota.counts().elapsed_s > 0.1)
    pid[0] = busy.pid
    await until(lambda: is_stopped(busy))
    pid[0] = None
    await until(lambda: not is_stopped(busy))
    await quota.end()
