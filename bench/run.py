"""Measure every figure and write bench/results.md; called by `make bench`.

Finds the files bench/bench_*.py; each has one function `measure() -> list[Figure]`. Names on the
command line (`make bench ARGS=help`) measure these files only and print them without writing;
with `--write` among them their lines of bench/results.md are replaced, and the others stay.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
from pathlib import Path

from bench.figure import Figure

FOLDER = Path(__file__).parent

INTRODUCTION = """\
<!-- Written by `make bench`. -->
# Measured

Each line is one figure: ours and theirs in one run on one machine, measured in turns; medians. A
ratio below 1 means that ours is smaller. Figures of different machines do not compare; ratios may.
"""


def machine() -> str:
    """Return one line about the machine that measured."""
    system = platform.freedesktop_os_release()["PRETTY_NAME"] if sys.platform == "linux" else ""
    return (
        f"{os.cpu_count()} CPUs ({platform.machine()}), {system or platform.platform()}, "
        f"Python {platform.python_version()}"
    )


def page(figures: list[Figure], load: float) -> str:
    """Return bench/results.md for these figures; `load` is what else the machine had to do."""
    rows = [
        f"| {f.name} | {f.ours:.3g} {f.unit} | {f.theirs:.3g} {f.unit} | {f.ratio:.2f} | {f.note} |"
        for f in figures
    ]
    head = ["| Figure | Ours | Theirs | Ratio | What was compared |", "|---|---:|---:|---:|---|"]
    where = f"Machine: {machine()}; load average before the first run: {load:.1f}\n"
    return "\n".join([INTRODUCTION, where, *head, *rows]) + "\n"


def replaced(text: str, figures: list[Figure], load: float) -> str:
    """Return a page with the lines of these figures measured anew; new ones come last."""
    rows = {
        line.split(" | ")[0]: line for line in page(figures, load).splitlines()[-len(figures) :]
    }
    kept = [rows.pop(line.split(" | ")[0], line) for line in text.splitlines()]
    return "\n".join([*kept, *rows.values()]) + "\n"


def main(arguments: list[str]) -> int:
    """Measure the named files, or all of them; print each figure as it comes."""
    names = [argument for argument in arguments if argument != "--write"]
    paths = sorted(FOLDER.glob("bench_*.py"))
    chosen = [p for p in paths if not names or p.stem.removeprefix("bench_") in names]
    if not chosen:
        known = ", ".join(p.stem.removeprefix("bench_") for p in paths)
        print(f"bench: no such file ({' '.join(names)}); choose from {known}", file=sys.stderr)
        return 2
    load = os.getloadavg()[0]
    figures: list[Figure] = []
    for path in chosen:
        measured: list[Figure] = importlib.import_module(f"bench.{path.stem}").measure()
        for figure in measured:
            print(
                f"{figure.name}: {figure.ours:.3g} {figure.unit}, theirs {figure.theirs:.3g} "
                f"{figure.unit}, ratio {figure.ratio:.2f}",
                flush=True,
            )
        figures += measured
    results = FOLDER / "results.md"
    if not names:
        results.write_text(page(figures, load), encoding="utf-8")
        print("bench/results.md written")
    elif "--write" in arguments and figures:  # what is not measured here keeps its lines
        text = replaced(results.read_text(encoding="utf-8"), figures, load)
        results.write_text(text, encoding="utf-8")
        print("bench/results.md: their lines replaced")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
