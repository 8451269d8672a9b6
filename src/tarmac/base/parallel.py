"""Computes parts that do not depend on one another in processes, where the machine lets it.

A process for each processor is forked, so that what is loaded need not be loaded again. What comes
of a part is the same as without them: a part whose process ended or raised is computed here.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

#: Of the number of a part, in bytes.
WIDTH = 4
Part = TypeVar("Part")
Outcome = TypeVar("Outcome")


def computed(
    compute: Callable[[Part], Outcome], parts: Sequence[Part]
) -> Iterator[tuple[Part, Outcome]]:
    """Yield every part with what comes of it, as they end.

    Args:
        compute: changes nothing that the caller has: that would be lost with its process. What it
            returns can be pickled.
        parts: the longest first, if that is known.

    Raises:
        Exception: what `compute` raises.
    """
    left = dict(enumerate(parts))
    for number, outcome in _of_processes(compute, parts):
        yield left.pop(number), outcome
    for part in left.values():
        yield part, compute(part)


def processors() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _threads() -> int:
    """Count the threads of this process, those of libraries in C among them; Linux only."""
    try:
        return len(list(Path("/proc/self/task").iterdir()))
    except OSError:  # /proc is not mounted
        return sys.maxsize


def _of_processes(
    compute: Callable[[Part], Outcome], parts: Sequence[Part]
) -> Iterator[tuple[int, Outcome]]:
    """Yield the number of each part that a process has computed; none where nothing is forked.

    A fork copies only the thread that calls it: locks that others hold would never be released. On
    macOS, libraries of the system do not survive one.
    """
    count = min(len(parts), processors())
    if sys.platform != "linux" or count == 1 or not parts or _threads() > 1:
        return
    import multiprocessing  # noqa: PLC0415 - most commands have no use for it
    from multiprocessing.connection import wait  # noqa: PLC0415

    context = multiprocessing.get_context("fork")
    if multiprocessing.current_process().daemon:  # it computes a part itself
        return
    # The numbers of the parts: a process that reads one computes it, and no other reads it again.
    # Two reads of such a file at once may get the same bytes, so each of them locks it.
    to_do = os.memfd_create("parts")
    os.write(to_do, b"".join(number.to_bytes(WIDTH, "big") for number in range(len(parts))))
    os.lseek(to_do, 0, os.SEEK_SET)
    running: dict[Connection, BaseProcess] = {}
    try:
        for _ in range(count):
            here, there = context.Pipe(duplex=False)
            process = context.Process(
                target=_compute, args=(compute, parts, to_do, there), daemon=True
            )
            try:
                process.start()
            except OSError:  # no more processes, or memory
                break
            finally:
                there.close()
            running[here] = process
        while running:
            ready = wait(list(running))
            for here in [one for one in running if one in ready]:
                try:
                    yield here.recv()
                except (EOFError, OSError):  # it has ended, perhaps in the middle of an outcome
                    running.pop(here).join()
    finally:
        os.close(to_do)
        for left in running.values():
            left.kill()
            left.join()


def _compute(
    compute: Callable[[Part], Outcome], parts: Sequence[Part], to_do: int, there: Connection
) -> None:
    """Compute parts until there are none, in a process of its own; Ctrl-C is for its parent."""
    import fcntl  # noqa: PLC0415 - Windows has none
    import signal  # noqa: PLC0415

    def next_part() -> int | None:
        fcntl.lockf(to_do, fcntl.LOCK_EX)
        try:
            taken = os.read(to_do, WIDTH)
        finally:
            fcntl.lockf(to_do, fcntl.LOCK_UN)
        return int.from_bytes(taken, "big") if taken else None

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    with contextlib.suppress(Exception, KeyboardInterrupt):  # the parent computes it, and says why
        while (part := next_part()) is not None:
            there.send((part, compute(parts[part])))
