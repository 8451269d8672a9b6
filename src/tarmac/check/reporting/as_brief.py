"""A report for a person, on one screen: what is missing, then findings, the worst first."""

from __future__ import annotations

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

#: So many warnings are listed; all errors are.
MOST_WARNINGS = 20


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
    errors = sorted((one for one in report.findings if not one.warning), key=_place)
    warnings = sorted((one for one in report.findings if one.warning), key=_place)
    if not report.findings:
        return
    yield from ("", "findings")
    yield from finding_lines(report, [*errors, *warnings[:MOST_WARNINGS]])
    if (more := len(warnings) - MOST_WARNINGS) > 0:
        yield f"  and {more} more warning{'s' * (more > 1)}; -v lists them"
    yield from fixable(report)


def _summary(report: Report) -> str:
    warnings = sum(one.warning for one in report.findings)
    errors = len(report.findings) - warnings
    hidden = f", {len(report.suppressed)} suppressed" * bool(report.suppressed)
    found = f"{_many(errors, 'error')}, {_many(warnings, 'warning')}{hidden}"
    return f"{found}; gates: {count(gates(report))} (-v lists them)"


def _width(report: Report) -> int:
    return max((len(item.id) for item in report.items), default=0)


def _place(finding: Finding) -> tuple[str, int, str]:
    path, line, *_ = finding.position
    return str(path), int(line or 0), finding.gate


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
