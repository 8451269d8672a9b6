"""How long `make test` takes on this machine's workers.

Theirs is what the same tests took one by one, added up, as a single worker would run them: a ratio
of 0.5 is two workers that are never idle. A run that is red is not measured.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from bench.figure import Figure, sized
from junitparser import JUnitXml

ROOT = Path(__file__).resolve().parents[1]
FILES = sized("", " tests/unit/test_activity.py")


def measure() -> list[Figure]:
    """Return the wall time of `make test`, in minutes."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        began = time.monotonic()
        subprocess.run(
            ["make", "test", f"ARGS=-q --junitxml={report}{FILES}"],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        took_s = time.monotonic() - began
        alone_s = one_by_one_s(report)
    note = "the newcomer's tier; theirs: the same tests' own times, added up"
    return [Figure("make test", "min", took_s / 60, alone_s / 60, note)]


def one_by_one_s(report: Path) -> float:
    """Add up the seconds of every test of a JUnit report, set-up and teardown included."""
    return sum(case.time or 0.0 for suite in JUnitXml.fromfile(str(report)) for case in suite)
