"""A report as workflow commands of GitHub Actions, which annotate the lines of a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding, Report, Status, as_finding

#: As GitHub's toolkit escapes a message, and a property of a command on top of that.
_OF_MESSAGES = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
_OF_PROPERTIES = (*_OF_MESSAGES, (":", "%3A"), (",", "%2C"))


def write(report: Report) -> str:
    """Write a report as one command a line: findings, gates that broke, what was not judged."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    for finding in (*report.findings, *report.unready):
        yield _annotation(finding)
    for item in report.items:
        is_said = report.ready or any(proof.findings for proof in item.proofs)
        if item.status in (Status.FAIL, Status.ERROR) and not is_said:
            yield _annotation(as_finding(item))
    for result in report.results:
        if result.status is Status.ERROR:
            yield _command("error", result.why, title=result.what)
        elif result.status is Status.SKIPPED:
            yield _command("notice", f"skipped: {result.why}", title=result.what)
    if report.nothing_applied:
        yield _command("error", report.nothing_judged, title="tarmac")
    if not report.findings and not report.unready and report.passed(strict=False):
        yield f"tarmac verify {report.system}: no findings"


def _annotation(finding: Finding) -> str:
    file, line, column = finding.position
    return _command(
        "warning" if finding.warning else "error",
        finding.what,
        file=file,
        line=line,
        col=column,
        title=f"{finding.gate}, likely" if finding.likely else finding.gate,
    )


def _command(name: str, message: str, **properties: str | int | None) -> str:
    written = ",".join(
        f"{key}={_escaped(str(value), _OF_PROPERTIES)}"
        for key, value in properties.items()
        if value
    )
    return f"::{name} {written}::{_escaped(message, _OF_MESSAGES)}"


def _escaped(text: str, table: tuple[tuple[str, str], ...]) -> str:
    for sign, code in table:
        text = text.replace(sign, code)
    return text
