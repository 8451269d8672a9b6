"""Joins a checklist with what ran: each box's status, level and evidence. Called by `verify`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tarmac.model.checklist import CheckBox, Checklist, Proof
from tarmac.model.document import Document
from tarmac.report import Box, Level, Result, Status

#: What a box is where its proofs are of several minds: the first of these that one has.
WORST = (Status.FAIL, Status.STALE, Status.SKIPPED)
NOT_RUN = "there is no evidence of a run"
NEEDS = {"cloud": Status.NEEDS_CLOUD, "later phase": Status.NOT_YET}


def join(
    checklist: Checklist, document: Document, results: Iterable[Result], phase: str | None
) -> Iterator[Box]:
    """Yield each box of a phase (of all without) with what proves it today."""
    by: dict[str, list[Result]] = {}
    for result in results:
        by.setdefault(result.what, []).append(result)
    for index, box in enumerate(checklist.boxes):
        if phase in (None, box.phase):
            place = str(document.locate(("boxes", index, "id")))
            yield _box(box, place, by)


def _box(box: CheckBox, place: str, by: Mapping[str, list[Result]]) -> Box:
    proofs = tuple(
        each for proof in box.proofs for each in by.get(proof.what) or (missing(proof, box.phase),)
    )
    statuses = {each.status for each in proofs}
    status = next((each for each in WORST if each in statuses), None)
    passed = [each for each in proofs if each.status is Status.PASS]
    why = box.note
    if status is not None:
        why = "; ".join(
            dict.fromkeys(each.why for each in proofs if each.status is status and each.why)
        )
    if status is None:
        status = NEEDS[box.needs] if box.needs else Status.PASS
    lowest = min(passed, key=lambda each: each.level, default=None)
    # What is not proven whole has reached nothing.
    reached = lowest.reached if lowest and status not in WORST else ""
    return Box(box.id, box.phase, box.title, place, status, reached, why, proofs)


def missing(proof: Proof, phase: str) -> Result:
    """Say of a proof that nobody ran it."""
    _, _, it = proof.what.partition(":")
    level = Level[proof.level.upper()]
    return Result(proof.what, it, phase, Status.SKIPPED, level, proof.target, why=NOT_RUN)
