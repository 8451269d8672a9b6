"""Programs that read files of others have limits, and none outlives the verb that started it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tarmac.base.foreign.limited import limited

DOUBLES = "x = b'a' * 1000\nwhile len(x) < 1 << 36: x += x\n"
STARTS = """
import os, subprocess, sys
from tarmac.base.foreign.limited import limited
program = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"]
subprocess.run(limited(program, os.getpid()))
"""


def test_a_program_that_takes_all_memory_is_ended_by_its_limit() -> None:
    command = limited([sys.executable, "-c", DOUBLES], os.getpid(), most_bytes=1 << 30)
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    assert "MemoryError" in ended.stderr


def test_a_program_says_and_ends_as_without_limits() -> None:
    command = limited([sys.executable, "-c", "print('said'); raise SystemExit(3)"], os.getpid())
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (3, "said\n")
    missing = subprocess.run(
        limited(["/no/such/program"], os.getpid()), capture_output=True, timeout=60, check=False
    )
    assert missing.returncode == 1
    assert missing.stderr == b"/no/such/program: No such file or directory\n"


def test_a_program_ends_with_a_verb_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTS], stdout=subprocess.PIPE) as verb:
        assert verb.stdout is not None
        program = int(verb.stdout.readline())
        verb.kill()
        verb.wait(20)
    ends_at = time.monotonic() + 20
    while is_running(program):
        assert time.monotonic() < ends_at
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
