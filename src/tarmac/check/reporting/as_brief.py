"""A report for a person, on one screen: what is missing, then findings, the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tarmac.base.report import Finding, Report, Status
from tarmac.base.report_lines import (
    SECTIONS,
    count,
    finding_lines,
    fixable,
    gates,
    not_run,
    readiness,
)

#: By severity: up to so many are listed one by one; of more, so many of each gate.
LISTED = {"error": (40, 5), "likely": (20, 2), "warning": (20, 1)}


def write(report: Report) -> str:
    """Write a report as lines of text."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    where = f" in {', '.join(report.environments)}" if report.environments else ""
    yield f"{report.system}{where}, judged for {report.today}"
    told = [tree for tree in report.trees if tree.folder or tree.context]
    if unwritten := [tree.environment for tree in report.trees if tree not in told]:
        yield f"rendered in memory: {', '.join(unwritten)}"
    yield from (f"tree of {tree}" for tree in told)
    yield from _items(report)
    yield from _without_answer(report)
    yield from _findings(report)
    if report.environments:
        yield from not_run(report)
    yield from ("", _summary(report))
    if report.nothing_applied:
        yield report.nothing_judged
    if report.items:
        yield f"checklist items: {count(report.items)}"
    if report.ready:
        yield from readiness(report, _width(report))


def _items(report: Report) -> Iterator[str]:
    """Name the checklist items that pass; say of each other one what it lacks."""
    width = _width(report)
    for status, heading in SECTIONS:
        own = [item for item in report.items if item.status is status]
        if not own:
            continue
        said = f"{heading}: {len(own)} of {len(report.items)} checklist items"
        if status is Status.PASS:
            yield from ("", f"{said}: {', '.join(item.id for item in own)}")
            continue
        yield from ("", said)
        for item in own:
            yield f"  {item.id:<{width}}  {item.title}"
            broken = (one for one in item.proofs if one.status in (Status.FAIL, Status.ERROR))
            why = (item.why, *(f"{one.status.value}: {one.what}" for one in broken))
            yield from (f"  {'':<{width}}  {line}" for line in filter(None, why))


def _without_answer(report: Report) -> Iterator[str]:
    """Say why gates were skipped, each reason once; each that broke has a line."""
    broken = [one for one in gates(report) if one.status is Status.ERROR]
    reasons: dict[str, dict[str, None]] = {}
    for one in gates(report):
        if one.status is Status.SKIPPED:
            reasons.setdefault(one.why, {})[one.what.partition(":")[2]] = None
    if broken or reasons:
        yield from ("", "gates without an answer")
    for one in broken:
        yield f"  error    {one.what.partition(':')[2]}: {one.title} ({one.why})"
    for why, names in reasons.items():
        yield f"  skipped  {', '.join(names)}: {why}"


def _findings(report: Report) -> Iterator[str]:
    if not report.findings:
        return
    yield from ("", "findings")
    listed: list[tuple[Finding, int]] = []
    for severity, (most, shown) in LISTED.items():
        own = sorted((one for one in report.findings if one.severity == severity), key=_place)
        listed += _first(own, most, shown)
    lines = finding_lines(report, [finding for finding, _ in listed])
    for line, (finding, more) in zip(lines, listed, strict=True):
        yield line + f" (and {more} more of {finding.gate})" * (more > 0)
    if any(more for _, more in listed):
        yield f"  -v lists all {len(report.findings)}"
    yield from fixable(report)


def _first(findings: list[Finding], most: int, shown: int) -> Iterator[tuple[Finding, int]]:
    """Yield all findings, or where they are many the first ones of each gate.

    With the last one that a gate has there comes how many more it has.
    """
    by_gate: dict[str, list[Finding]] = {}
    for finding in findings:
        by_gate.setdefault(finding.gate, []).append(finding)
    if len(findings) <= most:
        yield from ((finding, 0) for finding in findings)
        return
    for own in by_gate.values():
        *before, last = own[:shown]
        yield from ((finding, 0) for finding in before)
        yield last, len(own[shown:])


def _summary(report: Report) -> str:
    number = Counter(one.severity for one in report.findings)
    likely = f"{number['likely']} likely, " * bool(number["likely"])
    hidden = f", {len(report.suppressed)} suppressed" * bool(report.suppressed)
    errors, warnings = _many(number["error"], "error"), _many(number["warning"], "warning")
    found = f"{errors}, {likely}{warnings}{hidden}"
    return f"{found}; gates: {count(gates(report))} (-v lists them)"


def _width(report: Report) -> int:
    return max((len(item.id) for item in report.items), default=0)


def _place(finding: Finding) -> tuple[str, int, str]:
    path, line, *_ = finding.position
    return str(path), int(line or 0), finding.gate


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
