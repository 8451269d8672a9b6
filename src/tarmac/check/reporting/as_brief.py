"""A report on files for a person, on one screen: findings by file and line, the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tarmac.base.report import Finding, Report, Status

#: So many warnings are listed; all errors are.
MOST_WARNINGS = 20


def write(report: Report) -> str:
    """Write a report as lines of text."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield f"{report.system}, judged for {report.today}"
    unknown = [one for one in report.results if one.status in (Status.ERROR, Status.SKIPPED)]
    if unknown:
        yield from ("", "gates without an answer")
        yield from (
            f"  {one.status.value:<8}{one.what.partition(':')[2]}: {one.title} ({one.why})"
            for one in unknown
        )
    errors = sorted((one for one in report.findings if not one.warning), key=_place)
    warnings = sorted((one for one in report.findings if one.warning), key=_place)
    if report.findings:
        yield from ("", "findings")
        yield from map(_finding, errors)
        yield from map(_finding, warnings[:MOST_WARNINGS])
        if (more := len(warnings) - MOST_WARNINGS) > 0:
            yield f"  and {more} more warning{'s' * (more > 1)}; -v lists them"
        if fixable := sum(finding.fix is not None for finding in report.findings):
            yield f"  {fixable} of them can be corrected by --fix; --diff shows how"
    counted = Counter(result.status for result in report.results)
    gates = ", ".join(f"{counted[one]} {one.label}" for one in Status if counted[one]) or "none"
    hidden = f", {len(report.suppressed)} suppressed" * bool(report.suppressed)
    found = f"{_many(len(errors), 'error')}, {_many(len(warnings), 'warning')}{hidden}"
    yield from ("", f"{found}; gates: {gates} (-v lists them)")
    if report.nothing_applied:
        yield report.nothing_judged


def _finding(finding: Finding) -> str:
    mark = "warning: " if finding.warning else ""
    return f"  {finding.where}: {mark}{finding.gate}: {finding.what}"


def _place(finding: Finding) -> tuple[str, int, str]:
    path, line, *_ = finding.position
    return str(path), int(line or 0), finding.gate


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
