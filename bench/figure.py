"""One measured figure, and how to measure two things beside each other; used by every bench file.

Nothing here decides whether a figure is good: bench/results.md shows it, and a reader judges.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tarmac.run.local.host import guard

T = TypeVar("T")
#: Set where the benches are only seen to run: one round, and little data.
SMOKE = "TARMAC_BENCH_SMOKE"


class Absent(Exception):
    """This machine lacks what a bench needs; the text says what."""


@dataclass(frozen=True)
class Figure:
    """A figure of ours beside somebody else's, in the same unit, from the same run.

    `note` says what both sides are, how often each ran, and anything that flatters one of them.
    """

    name: str
    unit: str
    ours: float
    theirs: float
    note: str

    @property
    def ratio(self) -> float:
        """Return ours divided by theirs: below 1, ours is the smaller."""
        return self.ours / self.theirs


def seconds(run: Callable[[], object]) -> float:
    """Return the wall time of one call, in seconds."""
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def interleaved(
    ours: Callable[[], float], theirs: Callable[[], float], *, rounds: int
) -> tuple[float, float]:
    """Return the medians of both, measured in turns, so that a busy minute hits both alike."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def processor_s(pids: Iterable[int]) -> float:
    """Add up the processor time of processes and all below them, also of those that have ended.

    0 where there is no /proc.

    The kernel counts in hundredths of a second: compare what took seconds.
    """
    total = 0
    for root in pids:
        for pid in (root, *guard.descendants(root)):
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
                total += sum(map(int, fields.split()[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def sized(full: T, smoke: T) -> T:
    """Return how much is measured: the second where the bench is only seen to run."""
    return smoke if SMOKE in os.environ else full


def program(name: str) -> str:
    """Return the path of a program. Raises Absent where it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise Absent(f"{name} is not on PATH")
    return found
