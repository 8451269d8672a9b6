"""Joins a checklist with what ran: each box's status, level and evidence. Called by `verify`."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from tarmac.model.checklist import CheckBox, Checklist, Proof, Seen
from tarmac.model.document import Document
from tarmac.report import Box, ByHand, Level, Result, Status

#: What a box is where its proofs are of several minds: the first of these that one has.
WORST = (Status.FAIL, Status.STALE, Status.SKIPPED)
NOT_RUN = "there is no evidence of a run"
NEEDS = {"cloud": Status.NEEDS_CLOUD, "later phase": Status.NOT_YET}
#: What closes a box that no proof holds back.
REMEDIES = {
    Status.NEEDS_CLOUD: "try it where it runs, and write under `seen` who saw what on which day",
    Status.NOT_YET: "name what proves it under `proofs`, or write under `seen` who saw what on "
    "which day",
}


def join(
    checklist: Checklist,
    document: Document,
    results: Iterable[Result],
    phase: str | None,
    today: date,
) -> Iterator[Box]:
    """Yield each box of a phase (of all without) with what proves it today."""
    by: dict[str, list[Result]] = {}
    for result in results:
        by.setdefault(result.what, []).append(result)
    folder = posixpath.dirname(document.file)
    for index, box in enumerate(checklist.boxes):
        if phase in (None, box.phase):
            place = str(document.locate(("boxes", index, "id")))
            seen = [_by_hand(each, box.phase, folder, today) for each in box.seen]
            yield _box(box, place, by, seen)


def _box(box: CheckBox, place: str, by: Mapping[str, list[Result]], seen: list[Result]) -> Box:
    ran = (each for proof in box.proofs for each in by.get(proof.what) or (_missing(proof, box),))
    proofs = (*ran, *seen)
    statuses = {each.status for each in proofs}
    status = next((each for each in WORST if each in statuses), None)
    why, remedy, reached = box.note, "", ""
    if status is not None:
        # What is not proven whole has reached nothing.
        why = _joined(each.why for each in proofs if each.status is status)
        remedy = _joined(_remedy(each) for each in proofs if each.status in WORST)
    else:
        status = NEEDS[box.needs] if box.needs and not seen else Status.PASS
        remedy = REMEDIES.get(status, "")
        reached = _reached(proofs)
    return Box(box.id, box.phase, box.title, place, status, reached, why, proofs, remedy)


def _reached(proofs: tuple[Result, ...]) -> str:
    """Give the lowest that proofs reach, and say whether a person's word is among them."""
    lowest = min(proofs, key=lambda each: each.level, default=None)
    if lowest is None:
        return ""
    in_part = not lowest.by_hand and any(each.by_hand for each in proofs)
    return f"{lowest.reached}, in part by hand" if in_part else lowest.reached


def _missing(proof: Proof, box: CheckBox) -> Result:
    """Say of a proof that nobody ran it."""
    _, _, it = proof.what.partition(":")
    level = Level[proof.level.upper()]
    return Result(proof.what, it, box.phase, Status.SKIPPED, level, proof.target, why=NOT_RUN)


def _by_hand(seen: Seen, phase: str, folder: str, today: date) -> Result:
    """Make a proof of what a person saw: it passes until its day, and reaches what they said."""
    over = today > seen.until
    written = seen.evidence
    if "://" not in written:
        written = posixpath.normpath(posixpath.join(folder, written))
    return Result(
        f"seen:{seen.day}",
        seen.what,
        phase,
        Status.STALE if over else Status.PASS,
        Level[seen.level.upper()],
        seen.target,
        why=f"what {seen.by} saw on {seen.day} counted until {seen.until}" if over else "",
        evidence=written,
        by_hand=ByHand(seen.by, seen.day.isoformat(), seen.until.isoformat()),
    )


def _remedy(proof: Result) -> str:
    """Say what makes a proof pass."""
    kind, _, it = proof.what.partition(":")
    if proof.by_hand:
        return f"try again what was seen on {proof.by_hand.day}, and write the new day and end"
    if kind == "gate" and proof.why == NOT_RUN:
        return f"{it} looks at none of these environments; verify them all, or name another proof"
    if kind == "gate":
        return proof.why or f"mend what {it} found"
    if kind == "test":
        mend = "mend and run" if proof.status is Status.FAIL else "run"
        return f"{mend} {it} with --junitxml=FILE, and verify with --junit FILE"
    return f"run {it}"


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(filter(None, texts)))
