"""The guard leaves nothing behind, however its supervisor ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tarmac.run.local.host import guard

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

SUPERVISOR = textwrap.dedent(
    """
    import asyncio, json, os, sys
    from pathlib import Path
    from tarmac.run.local.host import guard
    from tarmac.run.local.process.spawn import Spawner

    TREE = '''
    import os, subprocess, sys, time
    subprocess.Popen(["sleep", "300"])
    subprocess.Popen(["sleep", "300"], start_new_session=True)
    middle = os.fork()
    if middle == 0:                         # a daemon: its parent ends at once
        os.setsid()
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", "300"])
        os._exit(0)
    os.waitpid(middle, 0)
    print("up", flush=True)
    time.sleep(300)
    '''

    async def main():
        guard.become_subreaper()
        lost = asyncio.Event()
        spawner = Spawner()
        spawner.on_guard_lost = lost.set
        await spawner.start()
        read_end, write_end = os.pipe()
        for number in range(2):
            await spawner.spawn(f"tree-{number}", [sys.executable, "-c", TREE],
                                env=dict(os.environ), cwd=Path("/"), output=write_end)
        os.close(write_end)
        loop = asyncio.get_running_loop()
        seen = b""
        while seen.count(b"up") < 2:
            seen += await loop.run_in_executor(None, os.read, read_end, 100)
        print(json.dumps({"guard": spawner.guard_pid}), flush=True)
        await lost.wait()
        print(json.dumps({"left": guard.descendants(os.getpid())}), flush=True)

    asyncio.run(main())
    """
)


@pytest.fixture
def supervisor():
    """A real supervisor process whose guard has started two process trees."""
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR], stdout=subprocess.PIPE, text=True
    )
    try:
        yield process, json.loads(process.stdout.readline())["guard"]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def alive(pid: int) -> bool:
    return pid in guard.parents()


def wait_until_gone(pids, deadline_s=10.0):
    end = time.monotonic() + deadline_s
    while time.monotonic() < end and any(map(alive, pids)):
        time.sleep(0.002)
    return [pid for pid in pids if alive(pid)]


def test_kill_9_of_the_supervisor_ends_every_descendant(supervisor):
    process, guard_pid = supervisor
    family = guard.descendants(process.pid)
    assert guard_pid in family
    assert len(family) == 1 + 2 * 4, "the guard and two trees of four processes"
    process.kill()
    assert wait_until_gone(family) == []


def test_kill_9_of_the_guard_ends_every_descendant_and_is_told(supervisor):
    process, guard_pid = supervisor
    family = guard.descendants(guard_pid)
    assert len(family) == 2 * 4
    os.kill(guard_pid, signal.SIGKILL)
    assert json.loads(process.stdout.readline()) == {"left": []}
    assert wait_until_gone(family) == []


def test_a_node_that_ends_takes_its_orphans_along_but_not_another_nodes_daemon(supervisor):
    _, guard_pid = supervisor
    trees = [pid for pid, parent in guard.parents().items() if parent == guard_pid]
    first = [pid for pid in trees if guard.node_of(pid) == "tree-0"]
    second = [pid for pid in trees if guard.node_of(pid) == "tree-1"]
    assert len(first) == len(second) == 2, "the node and the daemon that it made"
    leader = next(pid for pid in first if len(guard.descendants(pid)) == 2)
    doomed = [*guard.descendants(leader), *first]
    os.kill(leader, signal.SIGKILL)
    assert wait_until_gone(doomed) == []
    assert all(map(alive, second))


def test_a_program_that_cannot_be_executed_is_reported_with_its_reason(tmp_path: Path):
    request = {"argv": ["/no/such/program"], "env": {}, "cwd": str(tmp_path)}
    with pytest.raises(OSError, match="No such file"):
        guard.spawn(request, [1])
