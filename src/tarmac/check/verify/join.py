"""Joins a checklist with what ran: each item's status, level and evidence. Called by `verify`."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING

from tarmac.base.report import AttestationTerms, ItemResult, Level, Result, Status
from tarmac.check.verify.by_requirement import NEEDS, judge
from tarmac.check.verify.checklist_files import RECORDED, ChecklistFiles

if TYPE_CHECKING:
    from tarmac.model.checklist import Attestation, ChecklistItem, Proof
    from tarmac.model.recorded import RecordedProofs

#: What an item is where its proofs are of several minds: the first of these that one has.
WORST = (Status.FAIL, Status.ERROR, Status.STALE, Status.SKIPPED)
#: What a requirement is that is not shown whole, the hardest to close first.
OPEN = (Status.NOT_YET, Status.NEEDS_CLOUD, Status.NEEDS_CLUSTER, Status.NEEDS_PERSON)
NOT_RUN = "no run has been recorded"
_WHERE_IT_RUNS = "test it in its environment, and record the observation under `attestation`"
#: What closes an item that no proof blocks.
REMEDIES = {
    Status.NEEDS_CLUSTER: _WHERE_IT_RUNS,
    Status.NEEDS_CLOUD: _WHERE_IT_RUNS,
    Status.NEEDS_PERSON: "ask a person to do it, and record the observation under `attestation`",
    Status.NOT_APPLICABLE: "verify an environment with input for its gates, or name another proof",
    Status.NOT_YET: "name a proof under `proofs`, or record an observation under `attestation`",
}


def join(
    files: ChecklistFiles, results: Iterable[Result], phase: str | None, today: date
) -> Iterator[ItemResult]:
    """Yield each item of a phase (of all without) with what proves it today."""
    by: dict[str, list[Result]] = {}
    for result in results:
        by.setdefault(result.what, []).append(result)
    folder = posixpath.dirname(files.document.file)
    recorded, file = files.recorded, posixpath.join(folder, RECORDED)
    for index, item in enumerate(files.checklist.items):
        if phase in (None, item.phase):
            place = str(files.document.locate(("items", index, "id")))
            attested = [_attested(said, item.phase, folder, today) for said in item.attestation]
            yield _item(item, place, by, attested, recorded, file)


def _item(
    item: ChecklistItem,
    place: str,
    by: Mapping[str, list[Result]],
    attested: list[Result],
    recorded: RecordedProofs,
    file: str,
) -> ItemResult:
    required = {
        name: judge(name, recorded, item.phase, by, file)
        for name in item.requirements
        if name in recorded.requirements
    }
    runs = [by.get(proof.what) or [_missing(proof, item)] for proof in item.proofs]
    #: What decides: its own proofs, and of a requirement the whole.
    deciding = (
        *(proofs[0] for proofs in required.values()),
        *(result for results in runs for result in results),
        *attested,
    )
    statuses = {proof.status for proof in deciding}
    status = next((worst for worst in WORST if worst in statuses), None)
    why, remedy, reached = item.note, "", ""
    if status is not None:
        # What is not proven whole has reached nothing.
        why = _joined(proof.why for proof in deciding if proof.status is status)
        parts = [one for judged in required.values() for one in judged if one.run]
        wrong = (proof for proof in (*parts, *deciding) if proof.status in WORST)
        remedy = _joined(map(_remedy, wrong))
    elif statuses == {Status.NOT_APPLICABLE}:
        # Where no gate had anything to judge, nothing is proven.
        status = Status.NOT_APPLICABLE
        why = _joined(f"{_name(result)}: {result.why}" for result in deciding)
        remedy = REMEDIES[status]
    else:
        status = _open(item, statuses) if not attested else Status.PASS
        waiting = (proof.why for proof in deciding if proof.status is status)
        why = why if status is Status.PASS else _joined([why, *waiting])
        remedy = REMEDIES.get(status, "")
        reached = _reached(deciding)
    proofs = (*(one for judged in required.values() for one in judged), *deciding[len(required) :])
    return ItemResult(
        item.id,
        item.phase,
        item.title,
        place,
        status,
        reached,
        why,
        proofs,
        remedy,
        "" if status is Status.PASS else item.command,
    )


def _open(item: ChecklistItem, statuses: set[Status]) -> Status:
    """Return what is missing of an item of which no proof failed; PASS: nothing."""
    needed = statuses | ({NEEDS[item.needs]} if item.needs else set())
    return next((status for status in OPEN if status in needed), Status.PASS)


def _reached(proofs: tuple[Result, ...]) -> str:
    """Give the lowest that proofs reach, and say whether an attestation is among them."""
    proofs = tuple(proof for proof in proofs if proof.status is not Status.NOT_APPLICABLE)
    lowest = min(proofs, key=lambda check: check.level, default=None)
    if lowest is None or not lowest.target:
        return ""
    in_part = not lowest.attestation and any(proof.attestation for proof in proofs)
    return f"{lowest.reached}, partly attested" if in_part else lowest.reached


def _name(result: Result) -> str:
    return result.what.partition(":")[2]


def _missing(proof: Proof, item: ChecklistItem) -> Result:
    """Say of a proof that it was not run."""
    _, _, it = proof.what.partition(":")
    level = Level[proof.level.upper()]
    return Result(proof.what, it, item.phase, Status.SKIPPED, level, proof.target, why=NOT_RUN)


def _attested(said: Attestation, phase: str, folder: str, today: date) -> Result:
    """Make a proof of an attestation: it passes until its last day, and reaches what it says."""
    over = today > said.until
    written = said.evidence
    if "://" not in written:
        written = posixpath.normpath(posixpath.join(folder, written))
    return Result(
        f"attestation:{said.day}",
        said.what,
        phase,
        Status.STALE if over else Status.PASS,
        Level[said.level.upper()],
        said.target,
        why=f"the attestation of {said.day} by {said.by} was valid until {said.until}"
        if over
        else "",
        evidence=written,
        attestation=AttestationTerms(said.by, said.day.isoformat(), said.until.isoformat()),
    )


def _remedy(proof: Result) -> str:
    """Return what makes a proof pass."""
    kind, _, it = proof.what.partition(":")
    if proof.run or kind == "requirement":
        return proof.run and f"run `{proof.run}`"
    if proof.attestation:
        day = proof.attestation.day
        return f"repeat the test attested on {day}, and write the new day and end"
    if kind == "gate" and proof.why == NOT_RUN:
        how = "verify them all, where it observes with --target cluster, or name another proof"
        return f"{it} judges none of these environments; {how}"
    if kind == "gate":
        return proof.why or f"fix what {it} found"
    if kind == "test":
        action = "fix it and run" if proof.status is Status.FAIL else "run"
        return f"{action} {it} with --junitxml=FILE, and verify with --junit FILE"
    return f"run {it}"


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(filter(None, texts)))
