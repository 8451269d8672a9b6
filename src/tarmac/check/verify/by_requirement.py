"""Judges a requirement by its recorded tests, what ran here since, and gates. Called by `join`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tarmac.base.report import Level, Result, Status
from tarmac.model.recorded import RecordedOutcome, RecordedProofs, RecordedRequirement

OUTCOMES = {"passed": Status.PASS, "failed": Status.FAIL, "skipped": Status.SKIPPED}
NEEDS = {
    "cluster": Status.NEEDS_CLUSTER,
    "cloud": Status.NEEDS_CLOUD,
    "person": Status.NEEDS_PERSON,
    "later phase": Status.NOT_YET,
}
NOT_SHOWN = "not shown on this machine"
#: What decides a requirement that is done, the first of these that a proof has.
BAD = (Status.FAIL, Status.ERROR)


def judge(
    name: str, recorded: RecordedProofs, phase: str, by: Mapping[str, list[Result]], file: str
) -> tuple[Result, ...]:
    """Return the requirement's own result, then one for each of its proofs.

    Args:
        by: what ran here, by its name: gates, and tests whose evidence is kept.
        file: `proofs.yaml`, as its reader would type it.
    """
    known = recorded.requirements[name]
    named = [(test, "") for test in known.tests]
    named += [(test, of) for of, tests in known.elsewhere.items() for test in tests]
    blank = _result("", known, phase, file)
    tests = tuple(
        _test(replace(blank, what=f"test:{test}", title=of and f"ran with {of}"), recorded, by)
        for test, of in named
    )
    gates = tuple(result for gate in known.gates for result in by.get(f"gate:{gate}", ()))
    status, why = _status(known, tests, gates)
    own = replace(blank, what=f"requirement:{name}", title=known.title, status=status, why=why)
    if any(test.status is Status.SKIPPED for test in tests):
        own = replace(own, target="")  # what did not run here has reached nothing here
    return (own, *tests, *gates)


def _status(
    known: RecordedRequirement, tests: tuple[Result, ...], gates: tuple[Result, ...]
) -> tuple[Status, str]:
    """Decide a requirement, and say why where it is not shown."""
    proofs = (*tests, *gates)
    for bad in BAD:
        if found := [proof for proof in proofs if proof.status is bad]:
            return bad, "; ".join(dict.fromkeys(proof.why for proof in found if proof.why))
    if known.status != "done":
        return NEEDS[known.needs or "later phase"], known.note
    if unknown := [proof for proof in tests if proof.status is Status.SKIPPED]:
        return Status.SKIPPED, f"{NOT_SHOWN}: {len(unknown)} of {len(tests)} tests did not run"
    if tests:
        return Status.PASS, ""
    if all(gate.status is Status.NOT_APPLICABLE for gate in gates):
        return Status.NOT_APPLICABLE, "its gates have no input here"
    if any(gate.status is Status.SKIPPED for gate in gates):
        return Status.SKIPPED, "; ".join(dict.fromkeys(gate.why for gate in gates if gate.why))
    return Status.PASS, ""


def _test(blank: Result, recorded: RecordedProofs, by: Mapping[str, list[Result]]) -> Result:
    """Take what came of a test here, where it ran on what is here now; else what is recorded."""
    for result in by.get(blank.what, ()):
        if result.status in (Status.PASS, Status.FAIL):
            return result
    test = blank.what.partition(":")[2]
    known = recorded.outcomes.get(test, RecordedOutcome("skipped"))
    return replace(
        blank,
        status=OUTCOMES[known.outcome],
        why=f"{test} failed when it was recorded" if known.outcome == "failed" else "",
        day=known.day,
        run=known.run,
    )


def _result(what: str, known: RecordedRequirement, phase: str, file: str) -> Result:
    """Begin a result of a requirement; one that reached nothing has no target."""
    level = Level[(known.level or "rendered").upper()]
    return Result(what, "", phase, Status.SKIPPED, level, known.target, evidence=file)
