"""Runs programs that read files of others, within limits of memory, time and output.

Used by what asks helm and the like: a chart of three lines can double a text forty times. Every
program ends with its parent. A leaf.
"""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tarmac.base.errors import TarmacError

#: Bytes that a program may map, by its name: those in Go, which map little more than they use.
MOST_BYTES: Mapping[str, int] = MappingProxyType({"helm": 4 << 30, "kustomize": 4 << 30})
#: Bytes that a program may print, its errors counted with it.
MOST_OUTPUT = 64 << 20
#: A program that failed and took this part of its memory is said to have reached the limit.
NEARLY_ALL = 0.8
_READ = 1 << 16
#: What a program that is stopped has, to say what it took.
LAST_WORD_S = 1.0
#: Bytes of the unit in which the system counts the memory of a process that has ended.
_UNIT = 1 if sys.platform == "darwin" else 1024
#: Set by the process itself: between fork and exec of a process with threads no Python may run.
#: With a pipe, it starts the program as its child and writes the child's memory to it: the system
#: begins to count where the process stood that was forked.
_LIMIT = """
import ctypes, os, resource, signal, sys
most, parent, pipe, program = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]

def end_with(parent):
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(137)

end_with(parent)
if pipe >= 0:
    own = os.getpid()
    child = os.fork()
    if child:
        signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
        _, status, used = os.wait4(child, 0)
        os.write(pipe, str(used.ru_maxrss).encode())
        code = os.waitstatus_to_exitcode(status)
        os._exit(code if code >= 0 else 128 - code)
    os.close(pipe)
    end_with(own)
if most:
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
try:
    os.execvp(program, sys.argv[4:])
except OSError as error:
    print(f"{program}: {error.strerror}", file=sys.stderr, flush=True)
    os._exit(1)
"""


def limited(
    argv: list[str], parent: int, *, most_bytes: int | None = None, pipe: int = -1
) -> list[str]:
    """Return the command that runs another one, within limits.

    Args:
        parent: the process that starts it.
        most_bytes: what it may map; None: MOST_BYTES of its name, and without an entry any amount.
        pipe: an open file that it inherits, for the memory that the program took; -1: none.
    """
    numbers = map(str, (_memory(argv, most_bytes), parent, pipe))
    return [sys.executable, "-I", "-S", "-c", _LIMIT, *numbers, *argv]


def _memory(argv: list[str], most_bytes: int | None) -> int:
    return MOST_BYTES.get(Path(argv[0]).name, 0) if most_bytes is None else most_bytes


@dataclass(frozen=True)
class ProgramOutcome:
    """How a program ended, and what it took."""

    code: int
    output: str
    errors: str
    cpu_s: float
    memory_bytes: int


class PastLimit(TarmacError):
    """A program was stopped at a limit; the message says which, and what it took until then."""


def run_limited(
    argv: list[str],
    *,
    seconds: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    most_output: int = MOST_OUTPUT,
    most_bytes: int | None = None,
) -> ProgramOutcome:
    """Run a program to its end, without input; every process that it started ends with it.

    Args:
        seconds: how long it may take.
        cwd, env: as `subprocess` takes them.
        most_output: bytes that it may print.
        most_bytes: see `limited`.

    Raises:
        PastLimit: it took longer or printed more.
    """
    with _pipe() as (reading, writing):
        with subprocess.Popen(
            limited(argv, os.getpid(), most_bytes=most_bytes, pipe=writing),
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(writing,),
            start_new_session=True,
        ) as process:
            why = "stopped"
            try:
                texts, why = _read_all(process, seconds, most_output)
            finally:
                # Without a reason it has ended, or closed its output and may still have children.
                cpu_s = _end(process, seconds if not why else 0)
        memory = _written(reading)
    name = Path(argv[0]).name
    if why:
        printed = sum(map(len, texts))
        took = f"{cpu_s:.1f} s of CPU, {size(memory)} of memory and {size(printed)} of output"
        raise PastLimit(f"{name}: {why}, and was stopped; it took {took}; try it by hand")
    output, errors = (
        text.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n") for text in texts
    )
    wanted = _memory(argv, most_bytes)
    if process.returncode and wanted and memory > NEARLY_ALL * wanted:
        errors += f"\n{name}: took {size(memory)} of memory, and {size(wanted)} is the limit"
    return ProgramOutcome(process.returncode, output, errors, cpu_s, memory)


def _read_all(
    process: subprocess.Popen[bytes], seconds: float, most: int
) -> tuple[tuple[bytes, bytes], str]:
    """Read both outputs to their end, or until a limit: then say which."""
    streams = [stream for stream in (process.stdout, process.stderr) if stream is not None]
    parts: tuple[list[bytes], list[bytes]] = ([], [])
    left, ends_at, why = most, time.monotonic() + seconds, ""
    with selectors.DefaultSelector() as selector:
        for stream, part in zip(streams, parts, strict=True):
            selector.register(stream, selectors.EVENT_READ, part)
        while selector.get_map() and not why:
            ready = selector.select(max(0, ends_at - time.monotonic()))
            if time.monotonic() >= ends_at:
                why = f"not done after {seconds:g} s"
            for key, _ in ready:
                read = os.read(key.fd, min(_READ, left + 1))
                if not read:
                    selector.unregister(key.fileobj)
                    continue
                key.data.append(read)
                left -= len(read)
                if left < 0:
                    why = f"printed more than {size(most)}"
                    break
    output, errors = (b"".join(part) for part in parts)
    return (output, errors), why


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    os.set_blocking(ends[0], False)
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)


def _written(pipe: int) -> int:
    """Read the memory of a program that has ended; 0 if it was not said."""
    try:
        return int(os.read(pipe, _READ) or 0) * _UNIT
    except BlockingIOError:
        return 0


def _end(process: subprocess.Popen[bytes], seconds: float) -> float:
    """Wait for a process so long, and kill what is left of its group; return its CPU time."""
    found = _wait(process, seconds)
    if not found[0]:
        process.terminate()  # so that it says what its child has taken
        found = _wait(process, LAST_WORD_S)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # nothing is left of it
        process.kill()
    if not found[0]:
        found = os.wait4(process.pid, 0)
    _, status, usage = found
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def _wait(
    process: subprocess.Popen[bytes], seconds: float
) -> tuple[int, int, resource.struct_rusage]:
    ends_at = time.monotonic() + seconds
    found = os.wait4(process.pid, os.WNOHANG)
    while not found[0] and time.monotonic() < ends_at:
        time.sleep(0.002)
        found = os.wait4(process.pid, os.WNOHANG)
    return found


def size(count: int) -> str:
    """Write a number of bytes for a person."""
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count / 1024:.3g} kB"
