"""A report for a person: boxes, gates that did not pass, every finding, then what is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import PurePath

from tarmac.report import Box, Report, Result, Status, count_open


def write(report: Report) -> str:
    """Write a report as lines of text."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    where = f" in {', '.join(report.environments)}" if report.environments else ""
    yield f"{report.system}{where}, judged for {report.today}"
    phase = ""
    width = max((len(box.id) for box in report.boxes), default=0)
    for box in report.boxes:
        if box.phase != phase:
            phase = box.phase
            yield from ("", phase)
        yield from _box(box, width)
    unseen = [each for each in report.results if each.what.startswith("gate:")]
    if other := [each for each in unseen if each.status is not Status.PASS]:
        yield from ("", "gates that did not pass")
        for result in other:
            number = len(result.findings)
            many = f"{number} finding{'s' * (number > 1)}" if number else result.why
            name = result.what.partition(":")[2]
            there = result.environment or result.target
            yield f"  {result.status.value:<8}{name}  {there}: {result.title} ({many})"
    if report.findings:
        yield from ("", "findings")
        for finding in report.findings:
            mark = "warning: " if finding.warning else ""
            places = [each.environment for each in report.results if finding in each.findings]
            place = f" [{', '.join(places)}]" if any(places) else ""
            yield f"  {finding.where}: {mark}{finding.gate}: {finding.what}{place}"
    yield from _not_run(report)
    if report.suppressed:
        yield from ("", "suppressed")
        for finding, reason in report.suppressed:
            yield f"  {finding.where}: {finding.gate}: {finding.what} (because: {reason})"
    folders = {str(PurePath(each.evidence).parent) for each in report.results if each.evidence}
    yield from ("", *(f"evidence: {folder}" for folder in sorted(folders)))
    yield f"gates: {_count(unseen)}"
    if report.boxes:
        yield f"boxes: {_count(report.boxes)}"
    if report.ready:
        yield from _readiness(report, width)


def _box(box: Box, width: int) -> Iterator[str]:
    line = f"  {box.status.value:<12}{box.id:<{width}}  {box.title}"
    yield f"{line}  [{box.reached}]" if box.reached else line
    indent = " " * (16 + width)
    for proof in box.proofs:
        yield f"{indent}{proof.status.value:<8} {_proof(proof)}"
    if box.why:
        yield f"{indent}{box.why}"


def _proof(proof: Result) -> str:
    if it := proof.by_hand:
        said = f"by hand {it.day} {it.who} ({proof.level.name.lower()}@{proof.target}"
        return f"{said} until {it.until}): {proof.title} {proof.evidence}"
    words = [proof.what.replace(":", " ", 1), proof.environment]
    if proof.status is Status.PASS:
        words += [proof.reached, PurePath(proof.evidence).name]
    return " ".join(filter(None, words))


def _readiness(report: Report, width: int) -> Iterator[str]:
    """Say what is open, and what closes it."""
    many = len(report.boxes)
    if not report.open:
        by_hand = sum(any(each.by_hand for each in box.proofs) for box in report.boxes)
        said = f"{many} of {many} boxes pass" + f", {by_hand} by hand" * bool(by_hand)
        is_all = report.passed(strict=False)
        yield f"ready: {said}" if is_all else f"not ready: {said}; there are findings besides"
        return
    yield from ("", f"not ready: {count_open(report)}")
    for box in report.open:
        yield f"  {box.status.value:<12}{box.id:<{width}}  {box.title}"
        yield f"{' ' * (16 + width)}{box.place}: {box.remedy}"


def _not_run(report: Report) -> Iterator[str]:
    """Say how what did not run is run, and its evidence taken."""
    proofs = [proof for box in report.boxes for proof in box.proofs]
    missing = [each.what for each in proofs if each.status in (Status.SKIPPED, Status.STALE)]
    files = {what[5:].partition("::")[0] for what in missing if what.startswith("test:")}
    if files:
        yield from (
            "",
            "tests that have not run on what is here now; run them, and hand over what came of it:",
            f"  pytest {' '.join(sorted(files))} --junitxml=tests.xml",
            f"  tarmac verify {report.system} --junit tests.xml",
        )


def _count(of: Iterable[Result | Box]) -> str:
    counted = Counter(each.status for each in of)
    return ", ".join(f"{counted[each]} {each.value}" for each in Status if counted[each]) or "none"
