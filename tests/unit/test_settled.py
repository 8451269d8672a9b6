"""A program of which nothing but its life is known has come through its start when it waits."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tarmac.run.local.process.settled import of_tree, until_settled

LOADS = "import time; end = time.process_time() + 0.5\nwhile time.process_time() < end: pass\n"


@contextmanager
def running(program: str) -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-c", f"{program}\ntime.sleep(60)"])
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def settles_after_s(pid: int, ended_after_s: float = 0.0) -> float:
    began = time.monotonic()
    asyncio.run(until_settled(pid, ended_after_s))
    return time.monotonic() - began


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere what a process uses is not read")
def test_a_program_that_still_loads_has_not_come_through_its_start():
    with running(LOADS) as pid:
        settles_after_s(pid)
        assert of_tree(pid).used_s >= 0.5


def test_one_that_ended_has_to_outlive_that_first():
    with running("import time") as pid:
        assert settles_after_s(pid, 0.4) > 0.6


def test_of_a_process_that_is_gone_nothing_is_known():
    assert of_tree(2**22 + 1) == (0, False)
    assert of_tree(os.getpid()).used_s >= 0
