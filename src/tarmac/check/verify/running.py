"""Runs gates over an environment or files, and takes out what is suppressed. Called by `verify`."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from tarmac.base import parallel
from tarmac.base.errors import TarmacError
from tarmac.base.report import Finding, Result, Skip, Status, in_order, of_gate
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.live import LiveSystem
from tarmac.check.gates.subject import Files, Subject

if TYPE_CHECKING:
    from tarmac.model.checklist import Suppression
    from tarmac.model.document import Document

#: The gate that findings about suppressions themselves are of.
SUPPRESSIONS = "suppressions"


@dataclass(frozen=True)
class Suppressions:
    """The suppressions of a system, and which of them were of use."""

    entries: tuple[Suppression, ...] = ()
    document: Document | None = None
    used: dict[int, list[Finding]] = field(default_factory=dict)
    #: Gates whose findings no comment suppresses.
    protected: frozenset[str] = frozenset()


def run(subject: Subject, gates: Iterable[Gate], suppressions: Suppressions) -> Iterator[Result]:
    """Yield what came of each gate, without what is suppressed."""
    asked = [
        (gate, partial(_of_plan, subject, gate))
        for gate in gates
        if subject.plan.settings.target in gate.targets
    ]
    for result in _programs_beside(asked):
        yield _left(result, suppressions, subject.today)


def _programs_beside(asked: Sequence[tuple[Gate, Callable[[], Result]]]) -> Iterator[Result]:
    """Yield what comes of each gate; those that wait for another program do so beside the rest."""
    with ThreadPoolExecutor(parallel.processors()) as pool:
        begun = {gate.id: pool.submit(judge) for gate, judge in asked if gate.program}
        for gate, judge in asked:
            yield begun[gate.id].result() if gate.program else judge()


def _of_plan(subject: Subject, gate: Gate) -> Result:
    unseen = subject.given(LiveSystem).unseen
    if gate.observes and unseen:
        result = replace(_begun(gate), status=Status.SKIPPED, why=unseen)
    else:
        result = _judged(gate, partial(gate.check, subject), partial(gate.scope.count, subject))
    return replace(result, environment=subject.plan.environment)


def run_files(files: Files, gates: Iterable[Gate], suppressions: Suppressions) -> Iterator[Result]:
    """Yield what came of each gate that can judge files of which there is no plan."""
    asked = [
        (gate, partial(_judged, gate, partial(gate.of_files, files), partial(count, files)))
        for gate in gates
        if gate.of_files is not None and (count := gate.scope.of_files) is not None
    ]
    for result in _programs_beside(asked):
        yield _left(replace(result, target="files"), suppressions, files.today)


def _judged(gate: Gate, check: Callable[[], Iterable[Finding]], count: Callable[[], int]) -> Result:
    """Run a gate: what it found, whether it had anything to judge, or what went wrong in it."""
    result = _begun(gate)
    try:
        result = replace(result, judged=count())
        findings = in_order({of_gate(found, gate.id) for found in check()})
    except Skip as missing:
        if result.judged == 0:
            return replace(result, status=Status.NOT_APPLICABLE, why=_nothing(gate))
        return replace(result, status=Status.SKIPPED, why=str(missing))
    except TarmacError as error:
        return replace(result, status=Status.ERROR, why=str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the other gates still run
        return replace(
            result,
            status=Status.ERROR,
            why=f"gate {gate.id} failed: {type(error).__name__}: {error}; "
            "run with --debug for the traceback, and report it",
            traceback=traceback.format_exc(),
        )
    if not findings and result.judged == 0:
        return replace(result, status=Status.NOT_APPLICABLE, why=_nothing(gate))
    return replace(result, findings=findings)


def _begun(gate: Gate) -> Result:
    """Begin a result, which passes as long as nothing else is known."""
    return Result(
        what=f"gate:{gate.id}",
        title=gate.title,
        phase=gate.phase,
        status=Status.PASS,
        level=gate.level,
        target="cluster" if gate.observes else "tree",
        unit=gate.scope.unit,
    )


def _nothing(gate: Gate) -> str:
    return f"there are no {gate.scope.unit}"


def _left(result: Result, suppressions: Suppressions, today: date) -> Result:
    """Take the suppressed findings out of a result."""
    if result.status is not Status.PASS:
        return result
    return leave(
        result,
        [found for found in result.findings if not _is_suppressed(found, suppressions, today)],
    )


def leave(result: Result, findings: Iterable[Finding]) -> Result:
    """Replace a result's findings; PASS if none of them is an error."""
    left = tuple(findings)
    if result.status not in (Status.PASS, Status.FAIL):
        return replace(result, findings=left)
    failed = any(not found.warning for found in left)
    return replace(result, findings=left, status=Status.FAIL if failed else Status.PASS)


def _is_suppressed(finding: Finding, suppressions: Suppressions, today: date) -> bool:
    for number, entry in enumerate(suppressions.entries):
        if entry.gate != finding.gate or not _matches(entry, finding):
            continue
        suppressions.used.setdefault(number, []).append(finding)
        if _counts(entry, today):
            return True
    return False


def _matches(entry: Suppression, finding: Finding) -> bool:
    # A pattern of a file is one of its lines, too.
    places = (finding.where, re.sub(r":\d+$", "", finding.where))
    is_there = any(fnmatchcase(place, entry.where) for place in places)
    return is_there and fnmatchcase(finding.what, entry.what)


def _counts(entry: Suppression, today: date) -> bool:
    return bool(entry.reason.strip()) and entry.until is not None and today <= entry.until


def note_used(suppressions: Suppressions, used: Mapping[int, Iterable[Finding]]) -> None:
    """Note findings that suppressions matched elsewhere: in another process, on a copy of them."""
    for number, found in used.items():
        suppressions.used.setdefault(number, []).extend(found)


def remarks(suppressions: Suppressions, today: date, gates: Iterable[str]) -> Iterator[Finding]:
    """Yield what is wrong with suppressions: no reason, no end, expired, unused.

    Args:
        gates: the ids of those that ran; what was not looked for cannot have been found.
    """
    ran, document = set(gates), suppressions.document
    for number, entry in enumerate(suppressions.entries):
        where = str(document.locate(("suppressions", number))) if document else ""
        of = f"the suppression of {entry.gate}"
        yield from incomplete(of, where, entry.reason, entry.until, today)
        if entry.until is None:
            what = f"{of} has no end; write `until: {today.year + 1}-01-31`"
            yield Finding(where, what, SUPPRESSIONS)
        if entry.gate in ran and number not in suppressions.used:
            what = f"{of} matches no finding; remove it"
            yield Finding(where, what, SUPPRESSIONS, warning=True)


def incomplete(
    of: str, where: str, reason: str, until: date | None, today: date
) -> Iterator[Finding]:
    """Yield why a suppression hides nothing: it has no reason, or it expired."""
    if not reason.strip():
        yield Finding(where, f"{of} has no reason; write one", SUPPRESSIONS)
    if until is not None and today > until:
        what = f"{of} expired on {until}; fix the finding, or renew it"
        yield Finding(where, what, SUPPRESSIONS)


def suppressed(suppressions: Suppressions, today: date) -> Iterator[tuple[Finding, str]]:
    """Yield what is hidden, with the reason."""
    for number, found in suppressions.used.items():
        entry = suppressions.entries[number]
        if _counts(entry, today):
            yield from ((finding, entry.reason) for finding in found)
