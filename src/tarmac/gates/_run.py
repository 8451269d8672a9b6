"""Runs gates over an environment, and takes out what is suppressed. Called by `verify`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import fnmatchcase
from functools import partial

from tarmac.gates._gate import Files, Gate, Subject
from tarmac.model.checklist import Suppression
from tarmac.model.document import Document
from tarmac.report import Finding, Result, Skip, Status

#: The gate that findings about suppressions themselves are of.
SUPPRESSIONS = "suppressions"


@dataclass(frozen=True)
class Borne:
    """The suppressions of a system, and which of them were of use."""

    entries: tuple[Suppression, ...] = ()
    document: Document | None = None
    used: dict[int, list[Finding]] = field(default_factory=dict)


def run(subject: Subject, gates: Iterable[Gate], borne: Borne) -> Iterator[Result]:
    """Yield what came of each gate, without what is suppressed."""
    for gate in gates:
        if subject.plan.settings.target not in gate.targets:
            continue
        ask = partial(gate.check, subject)
        yield _result(gate, ask, borne, subject.today, subject.plan.environment)


def run_files(files: Files, gates: Iterable[Gate], borne: Borne) -> Iterator[Result]:
    """Yield what came of each gate that can judge files of which there is no plan."""
    for gate in gates:
        if (judge := gate.of_files) is not None:
            try:
                found = _result(gate, partial(judge, files), borne, files.today)
            except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
                # Nobody has checked these files' shapes; a list may stand where a mapping must.
                why = (
                    f"a file has a shape that it does not know ({error}); see VAL001, or report it"
                )
                found = replace(_result(gate, tuple, borne, files.today), status=Status.SKIPPED)
                found = replace(found, why=why)
            yield replace(found, target="files")


def _result(
    gate: Gate,
    ask: Callable[[], Iterable[Finding]],
    borne: Borne,
    today: date,
    environment: str = "",
) -> Result:
    result = Result(
        what=f"gate:{gate.id}",
        title=gate.title,
        phase=gate.phase,
        status=Status.PASS,
        level=gate.level,
        target="tree",
        environment=environment,
    )
    try:
        found = sorted({replace(each, gate=gate.id) for each in ask()})
    except Skip as missing:
        return replace(result, status=Status.SKIPPED, why=str(missing))
    left = tuple(each for each in found if not _is_borne(each, borne, today))
    failed = any(not each.warning for each in left)
    return replace(result, findings=left, status=Status.FAIL if failed else Status.PASS)


def _is_borne(finding: Finding, borne: Borne, today: date) -> bool:
    for number, entry in enumerate(borne.entries):
        if entry.gate != finding.gate or not _matches(entry, finding):
            continue
        borne.used.setdefault(number, []).append(finding)
        if _counts(entry, today):
            return True
    return False


def _matches(entry: Suppression, finding: Finding) -> bool:
    return fnmatchcase(finding.where, entry.where) and fnmatchcase(finding.what, entry.what)


def _counts(entry: Suppression, today: date) -> bool:
    return bool(entry.reason.strip()) and entry.until is not None and today <= entry.until


def remarks(borne: Borne, today: date, gates: Iterable[str]) -> Iterator[Finding]:
    """Yield what is wrong with suppressions: without reason or end, past it, of no use.

    Args:
        gates: the ids of those that ran; what was not looked for cannot have been found.
    """
    ran = set(gates)
    for number, entry in enumerate(borne.entries):
        where = str(borne.document.locate(("suppressions", number))) if borne.document else ""
        if not entry.reason.strip():
            what = f"a suppression of {entry.gate} has no reason; write one"
            yield Finding(where, what, SUPPRESSIONS)
        if entry.until is None:
            what = (
                f"a suppression of {entry.gate} has no end; write `until: {today.year + 1}-01-31`"
            )
            yield Finding(where, what, SUPPRESSIONS)
        elif today > entry.until:
            what = f"a suppression of {entry.gate} ended on {entry.until}; mend what it hid"
            yield Finding(where, what, SUPPRESSIONS)
        if entry.gate in ran and number not in borne.used:
            what = f"a suppression of {entry.gate} hides nothing; remove it"
            yield Finding(where, what, SUPPRESSIONS, warning=True)


def suppressed(borne: Borne, today: date) -> Iterator[tuple[Finding, str]]:
    """Yield what is hidden, with the reason."""
    for number, found in borne.used.items():
        entry = borne.entries[number]
        if _counts(entry, today):
            yield from ((finding, entry.reason) for finding in found)
