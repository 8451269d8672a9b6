"""A program of which nothing but its life is known has come through its start when it waits."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tarmac.run.local.process.settled import is_made, of_tree, until_settled

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
        # The kernel counts two times in hundredths of a second each, and leaves parts of one out.
        assert of_tree(pid).used_s >= 0.48


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere programs of processes are not read")
@pytest.mark.parametrize(("toolchain", "made"), [("go", "exe/work"), ("cargo", "")])
def test_a_program_that_is_still_compiled_has_not_started(tmp_path, toolchain, made):
    # Copies of a shell and of `sleep` stand for the toolchain and for what it makes.
    for name, copied in ((toolchain, "bash"), (made, "sleep")):
        if name:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            shutil.copy(shutil.which(copied), tmp_path / name)
    os.mkfifo(tmp_path / "compiled")
    starts = f"./{made} 60" if made else "exec sleep 60"
    (tmp_path / "run").write_text(f"read line < compiled; {starts}\n")
    with subprocess.Popen([f"./{toolchain}", "run"], cwd=tmp_path, start_new_session=True) as built:
        try:
            with pytest.raises(TimeoutError):
                asyncio.run(asyncio.wait_for(until_settled(built.pid, 0.0), 1.0))
            (tmp_path / "compiled").write_text("\n")
            asyncio.run(until_settled(built.pid, 0.0))
            assert not is_made(built.pid)
        finally:
            os.killpg(built.pid, signal.SIGKILL)


def test_one_that_ended_has_to_outlive_that_first():
    with running("import time") as pid:
        assert settles_after_s(pid, 0.4) > 0.6


def test_of_a_process_that_is_gone_nothing_is_known():
    assert of_tree(2**22 + 1) == (0, False)
    assert of_tree(os.getpid()).used_s >= 0
