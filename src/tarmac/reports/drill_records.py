"""Reads the last run of each drill of a system: its evidence, and its journal if that is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tarmac.base import evidence
from tarmac.base.errors import BadInput
from tarmac.base.evidence import Evidence
from tarmac.base.report import Status
from tarmac.drill.drill import sentence
from tarmac.drill.file import drill_file
from tarmac.drill.file.drill_file import DrillFile
from tarmac.drill.report import comparison
from tarmac.model.system import System


@dataclass(frozen=True)
class DrillRecord:
    """A drill of the system, and what its last run has shown."""

    name: str
    file: DrillFile
    #: The command that runs it.
    command: str
    #: PASS: the verdict is the one that the file expects; SKIPPED: no run, or one that is INVALID.
    status: Status
    #: None: no run has been recorded.
    evidence: Evidence | None = None
    #: The journal of that run; None: it is not beside the system.
    journal: Mapping[str, Any] | None = None

    @property
    def kind(self) -> str:
        """The kind of drill."""
        return self.file.kind

    @property
    def day(self) -> str:
        """The day of the run; empty: there is none."""
        return self.evidence.at[:10] if self.evidence else ""

    @property
    def verdict(self) -> str:
        """The verdict of the run in words."""
        if self.evidence is None:
            return "did not run"
        samples = self.evidence.samples
        said = sentence(samples["verdict"], samples["expected"])
        return f"{said}, of another model or drill" if self.status is Status.STALE else said

    @property
    def rules(self) -> tuple[Mapping[str, Any], ...]:
        """The rules of the run, each with what was measured; none of a run that does not count."""
        counts = self.evidence is not None and self.status in (Status.PASS, Status.FAIL)
        return tuple(self.evidence.samples["rules"]) if counts and self.evidence else ()

    @property
    def periods(self) -> tuple[Mapping[str, Any], ...]:
        """The periods of the load; none of a run that does not count."""
        counts = self.evidence is not None and self.status in (Status.PASS, Status.FAIL)
        return tuple(self.evidence.samples["periods"]) if counts and self.evidence else ()

    @property
    def recovered_s(self) -> float | None:
        """When visits went as before; None: they did not, or nothing is known."""
        counts = self.evidence is not None and self.status in (Status.PASS, Status.FAIL)
        return self.evidence.samples["recovered_s"] if counts and self.evidence else None


def read(system: System, called: str) -> Iterator[DrillRecord]:
    """Yield each drill of a system, by name.

    Args:
        called: the system as its reader would type it.

    Raises:
        BadInput: a drill's file is wrong.
    """
    state = Path(system.folder) / evidence.STATE
    kept = {one.what: one for one in evidence.read(state / evidence.FOLDER, gates=False).values()}
    for path in drill_file.drills_of(system):
        file = drill_file.load(path, system)
        found = kept.get(f"drill:{path.stem}")
        found = found if found is not None and _is_whole(found) else None
        yield DrillRecord(
            path.stem,
            file,
            f"tarmac drill {called} {path.stem}",
            _status(system, path.stem, found),
            found,
            _journal(state / f"drill-{path.stem}.json", found),
        )


def _is_whole(found: Evidence) -> bool:
    """Tell whether evidence has what a run of a drill leaves."""
    needed = {"verdict", "expected", "recovered_s", "periods", "rules"}
    return isinstance(found.samples, dict) and found.samples.keys() >= needed


def _status(system: System, name: str, found: Evidence | None) -> Status:
    if found is None:
        return Status.SKIPPED
    if found.inputs != evidence.of_drill(system.files, name):
        return Status.STALE
    return Status(found.status)


def _journal(path: Path, found: Evidence | None) -> Mapping[str, Any] | None:
    """Read the journal of the run that the evidence is of, if it is still there."""
    if found is None or not path.is_file():
        return None
    try:
        written = comparison.read(path)
    except BadInput:
        return None
    return written if written.get("started") == found.at else None
