"""A pytest that is told to end takes the systems along that its tests have started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sandbox import SYSTEM, TARMAC, Sandbox, family, gone

ROOT = Path(__file__).parents[2]
#: A suite with what is detached from it, of which nothing but its fixture's end would take care.
SUITE = """
import asyncio, pathlib, subprocess, time
import pytest

@pytest.fixture(scope="session")
def detached():
    subprocess.run({begin!r}, shell=True, check=True)
    yield
    subprocess.run({end!r}, shell=True, check=True)

def test_that_takes_long(detached):
    try:
        pathlib.Path("begun").touch()
        {waits}
    except Exception:
        time.sleep(600)
"""
SYSTEM_RUNS = (f"{TARMAC[0]} up -d", f"{TARMAC[0]} down")
#: As a system is for the suite: a process of another session, which knows nothing of its end.
PROGRAM_RUNS = ("setsid sleep 600 >/dev/null & echo $! > pid", "kill $(cat pid)")
WAITS = {
    "by itself": ("time.sleep(600)", SYSTEM_RUNS),
    "for a program": ('subprocess.run(["sleep", "600"])', PROGRAM_RUNS),
    "in an event loop": ("asyncio.run(asyncio.sleep(600))", PROGRAM_RUNS),
}


@pytest.mark.parametrize(("waits", "runs"), WAITS.values(), ids=WAITS)
def test_sigterm_ends_what_the_tests_of_a_pytest_have_started(sandbox: Sandbox, waits, runs):
    sandbox.write(SYSTEM)
    begin, end = runs
    suite = SUITE.format(begin=begin, end=end, waits=waits)
    (sandbox.folder / "test_suite.py").write_text(suite)
    (sandbox.folder / "pytest.ini").write_text("[pytest]\n")
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-p", "ended", "-p", "no:cacheprovider", "."],
        cwd=sandbox.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests/support")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        until_s = time.monotonic() + 90
        while not (sandbox.folder / "begun").exists():
            assert running.poll() is None, running.stdout and running.stdout.read()
            assert time.monotonic() < until_s
            time.sleep(0.02)
        pid = sandbox.folder / "pid"
        pids = [int(pid.read_text())] if pid.exists() else family(sandbox)
        assert not gone(pids, within_s=0)
        running.send_signal(signal.SIGTERM)
        said, _ = running.communicate(timeout=90)
    assert running.returncode == pytest.ExitCode.INTERRUPTED, said
    assert "KeyboardInterrupt" in said
    assert gone(pids)
