"""The limits of figures are of figures that there are, and each says which side is better."""

from __future__ import annotations

import re
from pathlib import Path

from bench import limits

BENCH = Path(__file__).parents[2] / "bench"


def test_each_limit_is_of_a_measured_figure():
    rows = {
        line.split(" | ")[0].removeprefix("| ")
        for line in (BENCH / "results.md").read_text(encoding="utf-8").splitlines()
    }
    for file, held in limits.read().items():
        assert (BENCH / f"bench_{file}.py").exists(), file
        assert held.keys() <= rows, f"{sorted(held.keys() - rows)}: not in bench/results.md"


def test_each_limit_is_a_sign_and_a_ratio():
    for held in limits.read().values():
        for limit in held.values():
            assert re.fullmatch(r"(<=|>=) \d+(\.\d+)?", limit), limit
