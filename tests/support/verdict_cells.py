"""The table of verdicts: a small shop, sound and broken on purpose, under each kind of trouble.

`python tests/support/verdict_cells.py [TIMES]` measures all of it, some cells at a time, and prints
the table of docs/evidence/verdicts.md; the tests run a tenth.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parents[1] / "verdicts"
TABLE: dict[str, Any] = yaml.safe_load((HERE / "table.yaml").read_text())
VARIANTS, DRILLS = tuple(TABLE["found_by"]), tuple(TABLE["drills"])
SOUND = "sound"
#: Copies of the shop at once: a drill waits most of the time.
AT_ONCE = 3
#: A machine that stands still under the load itself shows nothing: again, as a user would.
TRIES = 4
UNSTEADY = "the load kept its rate"


@dataclass(frozen=True)
class Cell:
    """One variant under one drill."""

    variant: str
    drill: str

    @property
    def expected(self) -> str:
        """The verdict that it must get; empty where there is none that it must."""
        if self.drill in TABLE["either"].get(self.variant, ()):
            return ""
        if self.drill in TABLE["found_by"][self.variant]:
            return "FAIL"
        return str(TABLE["expected"].get(self.drill, "PASS"))


@dataclass(frozen=True)
class Measured:
    """What a cell got."""

    cell: Cell
    verdict: str
    #: The rules that did not hold.
    broken: tuple[str, ...]
    took_s: float


def cells() -> Iterator[Cell]:
    """Yield all cells that must get a verdict."""
    for variant in VARIANTS:
        for drill in DRILLS:
            if (cell := Cell(variant, drill)).expected:
                yield cell


def measure(cell: Cell, folder: Path) -> Measured:
    """Run a cell's drill in an empty folder."""
    text = TABLE["system"].replace("VARIANT", cell.variant).replace("PYTHON", sys.executable)
    (folder / "tarmac.yaml").write_text(text)
    (folder / ".git").mkdir()
    for name in ("shop.py", "journeys.py"):
        shutil.copy(HERE / name, folder)
    file = folder / "drill.yaml"
    file.write_text(TABLE["common"] + TABLE["drills"][cell.drill])
    began = time.monotonic()
    for _ in range(TRIES):
        journal = drilled(folder, file)
        broken = tuple(check["what"] for check in journal["checks"] if not check["holds"])
        if UNSTEADY not in broken:
            break
    return Measured(cell, journal["verdict"], broken, time.monotonic() - began)


def drilled(folder: Path, file: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tarmac", "drill", str(folder), str(file), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1, 4), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def one(cell: Cell) -> Measured:
    with tempfile.TemporaryDirectory(prefix="verdict-") as folder:
        return measure(cell, Path(folder))


def table(found: dict[Cell, list[Measured]]) -> Iterator[str]:
    """Yield the lines of the table in Markdown."""
    yield "| Drill | " + " | ".join(variant or SOUND for variant in VARIANTS) + " |"
    yield "|---|" + "---|" * len(VARIANTS)
    for drill in DRILLS:
        shown = []
        for variant in VARIANTS:
            runs = found.get(Cell(variant, drill), [])
            verdicts = "/".join(dict.fromkeys(run.verdict for run in runs))
            seconds = f" {sum(run.took_s for run in runs) / len(runs):.0f} s" if runs else ""
            bold = "**" if verdicts == "FAIL" else ""
            shown.append(f"{bold}{verdicts}{bold}{seconds}" if runs else "-")
        yield f"| {drill} | " + " | ".join(shown) + " |"


def main() -> int:
    """Measure all cells so many times; returns how many runs were not as they must be."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    os.environ["TARMAC_TELEMETRY"] = "0"
    found: dict[Cell, list[Measured]] = {}
    wrong = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for run in pool.map(one, [cell for _ in range(times) for cell in cells()]):
            found.setdefault(run.cell, []).append(run)
            if run.verdict != run.cell.expected:
                wrong += 1
                print(f"{run.cell}: {run.verdict}, {run.broken}", file=sys.stderr, flush=True)
    print("\n".join(table(found)))
    return wrong


if __name__ == "__main__":
    sys.exit(min(main(), 1))
