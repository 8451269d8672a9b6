"""Writes what a drill has shown as evidence, where `tarmac verify` reads it for checklist items.

Used by the verbs `drill` and `game-day`; a checklist names such a proof by `drill: NAME`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tarmac.base import evidence
from tarmac.base.evidence import Evidence
from tarmac.base.report import Status
from tarmac.drill.drill import Verdict, outcome
from tarmac.drill.file import drill_file
from tarmac.drill.read_drill import ReadDrill
from tarmac.model.system import System

#: What a drill's outcome is to a checklist item: what is INVALID has shown nothing.
STATUSES = {
    Verdict.PASS: Status.PASS,
    Verdict.FAIL: Status.FAIL,
    Verdict.INVALID: Status.SKIPPED,
}
#: The figures of a period of the load.
FIGURES = ("name", "visits", "good", "p50_s", "p99_s", "longest_s")


def write(
    system: System,
    file: Path,
    drill: ReadDrill,
    written: Mapping[str, Any],
    say: Callable[[str], None],
) -> None:
    """Write a run's evidence, if the drill is one of the system's own.

    Args:
        file: the system's.
        written: the journal.
        say: told where evidence cannot be written.
    """
    own = {path.resolve() for path in drill_file.drills_of(system)}
    if not written["target"] or drill.path.resolve() not in own:
        return
    folder = file.resolve().parent / ".tarmac" / evidence.FOLDER
    try:
        inputs = evidence.of_drill(system.files, drill.path.stem)
        evidence.write(file.resolve().parent, of_journal(file, written, inputs))
    except OSError as error:
        say(f"{folder}: no evidence kept ({error.strerror})")


def of_journal(file: Path, written: Mapping[str, Any], inputs: str) -> Evidence:
    """Make the evidence of a run: its verdict with its figures.

    Args:
        file: the system's.
        written: the journal.
        inputs: a hash of what the drill depends on.
    """
    expected = written["expected"]
    there = " --target cluster" if written["target"] == "cluster" else ""
    return Evidence(
        what=f"drill:{written['drill']}",
        status=STATUSES[outcome(written["verdict"], expected)].value,
        level="observed",
        target=written["target"],
        inputs=inputs,
        rule=f"the verdict of the drill is {expected}",
        command=f"tarmac drill {file} {written['drill']}{there}",
        at=written["started"],
        samples={
            "verdict": written["verdict"],
            "expected": expected,
            "recovered_s": written["recovered_s"],
            "periods": [
                {figure: period[figure] for figure in FIGURES} for period in written["periods"]
            ],
            "rules": [
                {name: check[name] for name in ("what", "holds", "measured", "limit")}
                for check in written["checks"]
            ],
        },
        tools=dict(written["versions"]),
        machine=evidence.machine(),
    )
