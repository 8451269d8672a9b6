"""Programs that read files of others have limits, and none outlives the verb that started it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tarmac.base.foreign.limited import PastLimit, limited, run_limited

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


PRINTS = "import sys\nwhile True: sys.{}.write('x' * 65536)\n"
#: Prints its child's number, and waits; the child has no output that the parent waits for.
STARTS_A_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(child.pid, flush=True)
"""


@pytest.mark.parametrize("where", ["stdout", "stderr"])
def test_a_program_that_prints_without_end_is_stopped_and_what_it_took_is_said(where):
    argv = [sys.executable, "-c", PRINTS.format(where)]
    said = r"python\S*: printed more than 2 MB, and was stopped; it took [\d.]+ s of CPU, "
    with pytest.raises(PastLimit, match=said + r"[\d.]+ MB of memory and 2 MB of output; try it"):
        run_limited(argv, seconds=60, most_output=2 << 20)


def test_output_up_to_the_limit_is_read_whole_from_both_streams():
    code = "import sys; print('a' * 99_999); print('b' * 99_999, file=sys.stderr)"
    ended = run_limited([sys.executable, "-c", code], seconds=60, most_output=200_000)
    assert (ended.code, len(ended.output), len(ended.errors)) == (0, 100_000, 100_000)
    with pytest.raises(PastLimit, match="printed more than 195 kB"):
        run_limited([sys.executable, "-c", code], seconds=60, most_output=199_999)


def test_a_program_that_takes_too_long_is_stopped_and_what_it_took_is_said():
    argv = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(PastLimit, match=r"not done after 0\.5 s, and was stopped; it took "):
        run_limited(argv, seconds=0.5)


def test_what_a_program_started_ends_with_it():
    ended = run_limited([sys.executable, "-c", STARTS_A_CHILD], seconds=60)
    ends_at = time.monotonic() + 20
    while is_running(int(ended.output)):
        assert time.monotonic() < ends_at
        time.sleep(0.02)


def test_a_program_that_fails_at_its_memory_says_the_limit():
    code = "x = bytearray(400 << 20)\nx[::4096] = b'x' * len(x[::4096])\nbytearray(1 << 30)"
    ended = run_limited([sys.executable, "-c", code], seconds=60, most_bytes=450 << 20)
    assert ended.code == 1
    assert ended.errors.splitlines()[-1].endswith(" MB of memory, and 450 MB is the limit")


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_what_a_program_took_is_not_counted_from_the_memory_of_its_parent():
    held = b"x" * (400 << 20)
    outcome = run_limited([sys.executable, "-c", "pass"], seconds=60)
    assert outcome.code == 0
    assert 1 << 20 < outcome.memory_bytes < len(held) / 2


def test_a_program_that_is_ended_by_a_signal_has_the_exit_code_of_shells():
    killed = "import os; os.kill(os.getpid(), 9)"
    assert run_limited([sys.executable, "-c", killed], seconds=60).code == 128 + 9
