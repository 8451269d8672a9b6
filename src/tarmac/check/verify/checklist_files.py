"""Reads a system's checklist and the recorded evidence beside it. Called by `verify`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from tarmac.base.errors import BadInput, Problem
from tarmac.base.foreign import files
from tarmac.base.places import CHECKLIST_FILE
from tarmac.model.checklist import (
    Checklist,
    ChecklistItem,
    Proof,
    invalid_attestations,
    problems,
)
from tarmac.model.loader import read_as
from tarmac.model.recorded import RecordedProofs
from tarmac.render.renderer import PHASES

if TYPE_CHECKING:
    from tarmac.model.document import Document

RECORDED = "proofs.yaml"


@dataclass(frozen=True)
class ChecklistFiles:
    """A checklist, and what is recorded of the requirements that it names."""

    checklist: Checklist
    document: Document
    recorded: RecordedProofs

    @property
    def proofs(self) -> Iterator[Proof]:
        """Yield the proofs of items and the tests of requirements: evidence of any may be kept."""
        yield from (proof for item in self.checklist.items for proof in item.proofs)
        for known in self.recorded.requirements.values():
            level, target = known.level or "tested", known.target or "local"
            elsewhere = (test for tests in known.elsewhere.values() for test in tests)
            for test in (*known.tests, *elsewhere):
                yield Proof(test=test, level=level, target=target)

    def items(self, phase: str) -> list[ChecklistItem]:
        """List the items of a phase."""
        return [item for item in self.checklist.items if item.phase == phase]

    def gates(self, phase: str) -> set[str]:
        """Name the gates that a phase's items name, themselves or by a requirement."""
        known = self.recorded.requirements
        named = {proof.gate for item in self.items(phase) for proof in item.proofs if proof.gate}
        required = {name for item in self.items(phase) for name in item.requirements} & known.keys()
        return named | {gate for name in required for gate in known[name].gates}


def read_checklist(file: Path, gates: Collection[str], today: date) -> ChecklistFiles | None:
    """Read what stands beside a system's file; None: it has no checklist.

    Args:
        gates: the ids of all gates.
        today: the day that is judged.

    Raises:
        BadInput: one of both files is wrong.
    """
    path = file.with_name(CHECKLIST_FILE)
    if not path.is_file():
        return None
    beside = file.with_name(RECORDED)
    recorded = RecordedProofs(proofs=1, requirements={})
    if beside.is_file():
        recorded, _ = read_as(RecordedProofs, str(beside), content(beside))
    checklist, document = read_as(Checklist, str(path), content(path))
    wrong = [*problems(checklist, document, gates, PHASES, recorded.requirements)]
    there = path.parent
    wrong += invalid_attestations(checklist, document, today, lambda name: (there / name).is_file())
    if wrong:
        raise BadInput(wrong)
    return ChecklistFiles(checklist, document, recorded)


def content(path: Path) -> bytes:
    """Read a file, within the limits of files of others."""
    try:
        return files.content(path)
    except OSError as error:
        raise BadInput([Problem(str(path), files.unread(error))]) from None
