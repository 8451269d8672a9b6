"""Every bench runs to its end: one round and little data, each in its time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BENCHES = sorted(path.stem.removeprefix("bench_") for path in (ROOT / "bench").glob("bench_*.py"))
#: More than bench/run.py gives one file, and the minute in which that stops what it has started.
PATIENCE_S = 400


@pytest.mark.timeout(PATIENCE_S + 20)
@pytest.mark.parametrize("name", BENCHES)
def test_a_bench_runs(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.run", "--smoke", name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    if "not measured:" in done.stdout:
        pytest.skip(done.stdout.strip())
    assert "ratio" in done.stdout, said
