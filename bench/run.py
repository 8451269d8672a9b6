"""Measure every figure and write bench/results.md; called by `make bench`.

Finds the files bench/bench_*.py; each has one function `measure() -> list[Figure]`. Names on the
command line (`make bench ARGS=help`) measure these files only and print them without writing;
with `--write` among them their lines of bench/results.md are replaced, and the others stay. With
`--check` the files of bench/limits.yaml are measured, or those that are named, and figures that are
worse than their limits are named. With `--smoke` each is only seen to run: one round, little data,
and nothing is written. A file that fails, or does not end in its time, is named; the others are
measured all the same.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import signal
import sys
from pathlib import Path
from types import FrameType

from bench import limits
from bench.figure import SMOKE, Absent, Figure

FOLDER = Path(__file__).parent
#: What a file may take; and seen to run, which two busy cores must be able to do.
LIMIT_S, SMOKE_LIMIT_S = 3600.0, 240.0
#: What is left for it to stop what it has started, before that is ended, too.
STOPS_S = 60.0

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


def measured(name: str, limit_s: float) -> list[Figure]:
    """Measure one file, in its time. Raises SystemExit after that, and what the file raises."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(f"not done after {limit_s:g} s")

    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, limit_s, STOPS_S)
    try:
        found: list[Figure] = importlib.import_module(f"bench.bench_{name}").measure()
        return found
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def said(figure: Figure) -> str:
    """Return a figure as a line."""
    return (
        f"{figure.name}: {figure.ours:.3g} {figure.unit}, theirs {figure.theirs:.3g} "
        f"{figure.unit}, ratio {figure.ratio:.2f}"
    )


def main(arguments: list[str]) -> int:
    """Measure the named files, or all of them; print each figure as it comes."""
    known = [path.stem.removeprefix("bench_") for path in sorted(FOLDER.glob("bench_*.py"))]
    parser = argparse.ArgumentParser("bench", description="Measure figures beside a peer's.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}")
    parser.add_argument("--write", action="store_true", help="replace their lines in results.md")
    parser.add_argument("--check", action="store_true", help="name what is worse than its limit")
    parser.add_argument("--smoke", action="store_true", help="see that they run, and no more")
    asked = parser.parse_args(arguments)
    if unknown := sorted({*asked.names} - {*known}):
        parser.error(f"no such file ({' '.join(unknown)}); choose from {', '.join(known)}")
    if asked.smoke:
        os.environ[SMOKE] = "1"
    held = limits.read() if asked.check else {}
    load = os.getloadavg()[0]
    figures: list[Figure] = []
    failed: list[str] = []
    for name in asked.names or list(held) or known:
        try:
            found = measured(name, SMOKE_LIMIT_S if asked.smoke else LIMIT_S)
        except Absent as absent:
            print(f"bench {name}: not measured: {absent}", flush=True)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the other files are measured
            print(f"bench {name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            failed.append(name)
        else:
            for figure in found:
                print(said(figure), flush=True)
            figures += found
    worse = [said for name in held for said in limits.worse(held[name], figures)]
    for one in worse:
        print(f"bench: worse than its limit: {one}", file=sys.stderr)
    if figures and not asked.smoke and (asked.write or not (asked.names or asked.check)):
        results = FOLDER / "results.md"
        text = page(figures, load)
        if asked.names:  # what is not measured here keeps its lines
            text = replaced(results.read_text(encoding="utf-8"), figures, load)
        results.write_text(text, encoding="utf-8")
        print("bench/results.md written")
    return 1 if failed or worse else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
