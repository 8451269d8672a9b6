"""Parts that are computed in processes of their own.

Each test runs a program: a process with threads, as a worker of pytest is, forks nothing.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

BEGIN = """
import os, signal, sys, threading
from tarmac.base import parallel
from tarmac.base.errors import BadInput, Problem
parallel.processors = lambda: 2
parent = os.getpid()
"""
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks")


def ran(program: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", BEGIN + program],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert not run.stderr
    return run.stdout.strip()


@needs_linux
def test_every_part_is_computed_once_and_in_a_process_of_its_own():
    program = """
found = dict(parallel.computed(lambda part: (part * part, os.getpid()), range(300)))
print({part: square for part, (square, _) in found.items()} == {n: n * n for n in range(300)},
      len(found), parent in {pid for _, pid in found.values()})
"""
    assert ran(program) == "True 300 False"


@needs_linux
def test_two_reads_of_the_numbers_at_once_do_not_compute_a_part_twice():
    program = """
import multiprocessing.connection, time
def read(file, width):
    place = os.lseek(file, 0, os.SEEK_CUR)
    found = os.pread(file, width, place)
    time.sleep(0.001)
    os.lseek(file, place + len(found), os.SEEK_SET)
    return found
os.read = read
print(sorted(part for part, _ in parallel.computed(lambda part: part, range(50)))
      == list(range(50)))
"""
    assert ran(program) == "True"


@needs_linux
def test_a_large_outcome_does_not_keep_the_others_waiting():
    program = """
found = dict(parallel.computed(lambda part: bytes(10_000_000), range(4)))
print(sorted(found), {len(one) for one in found.values()})
"""
    assert ran(program) == "[0, 1, 2, 3] {10000000}"


def test_what_a_part_raises_reaches_the_caller_as_it_is():
    program = """
def compute(part):
    if part == 2:
        raise BadInput([Problem("a.yaml:3", "has no name; write one")])
    return part
try:
    dict(parallel.computed(compute, range(4)))
except BadInput as error:
    print(error.problems[0].where, error.problems[0].what)
"""
    assert ran(program) == "a.yaml:3 has no name; write one"


def test_parts_of_a_process_that_is_killed_are_computed_by_its_parent():
    program = """
def compute(part):
    if os.getpid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()
print(set(dict(parallel.computed(compute, range(5))).values()) == {parent})
"""
    assert ran(program) == "True"


def test_a_process_with_another_thread_forks_nothing():
    program = """
over = threading.Event()
threading.Thread(target=over.wait).start()
print(set(dict(parallel.computed(lambda _: os.getpid(), range(5))).values()) == {parent})
over.set()
"""
    assert ran(program) == "True"


@needs_linux
def test_a_caller_that_wants_no_more_leaves_no_process():
    program = """
import time
found = parallel.computed(lambda part: time.sleep(part * 600), range(3))
print(next(found))
found.close()
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("none")
"""
    assert ran(program) == "(0, None)\nnone"


@needs_linux
def test_a_part_that_has_parts_computes_them_in_its_own_process():
    program = """
def compute(part):
    return {pid for _, pid in parallel.computed(lambda _: os.getpid(), range(3))} == {os.getpid()}
print(sorted(dict(parallel.computed(compute, range(3))).items()))
"""
    assert ran(program) == "[(0, True), (1, True), (2, True)]"


@needs_linux
def test_where_no_process_can_be_started_everything_is_computed_here():
    program = """
import multiprocessing.context
def refuse(self):
    raise BlockingIOError("no more processes")
multiprocessing.context.ForkProcess.start = refuse
print(set(dict(parallel.computed(lambda _: os.getpid(), range(5))).values()) == {parent})
"""
    assert ran(program) == "True"
