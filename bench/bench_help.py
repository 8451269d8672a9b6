"""How long `tarmac --help` takes beside an interpreter that does nothing.

The difference is what the tool imports before it knows what it was asked: a reader waits for it at
every verb.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.figure import Figure, interleaved, seconds, sized

ROUNDS = sized(11, 1)


def measure() -> list[Figure]:
    """Return one figure: the wall time of both commands, in milliseconds."""
    tarmac = Path(sys.executable).with_name("tarmac")

    def ours() -> float:
        return seconds(lambda: _run(str(tarmac), "--help"))

    def theirs() -> float:
        return seconds(lambda: _run(sys.executable, "-c", "pass"))

    ours(), theirs()  # the first run of each reads the disk
    a, b = interleaved(ours, theirs, rounds=ROUNDS)
    note = f"`tarmac --help` and `python -c pass`, medians of {ROUNDS}, files in the page cache"
    return [Figure("help", "ms", a * 1000, b * 1000, note)]


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
