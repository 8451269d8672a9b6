"""A whole report for a person: items with all their proofs, every gate, findings, what is open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePath

from tarmac.base.report import ItemResult, Report, Result, Status
from tarmac.base.report_lines import (
    SECTIONS,
    count,
    finding_lines,
    fixable,
    gates,
    not_run,
    readiness,
)


def write(report: Report) -> str:
    """Write a report as lines of text."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    where = f" in {', '.join(report.environments)}" if report.environments else ""
    yield f"{report.system}{where}, judged for {report.today}"
    yield from (f"tree of {tree}" for tree in report.trees)
    width = max((len(item.id) for item in report.items), default=0)
    for status, heading in SECTIONS:
        if own := [item for item in report.items if item.status is status]:
            yield from ("", f"{heading}: {len(own)} of {len(report.items)} checklist items")
            yield from (line for item in own for line in _item(item, width))
    yield from _gates(gates(report))
    if report.findings:
        yield from ("", "findings")
        yield from finding_lines(report, report.findings)
        yield from fixable(report)
    yield from not_run(report)
    if report.suppressed:
        yield from ("", "suppressed")
        for finding, reason in report.suppressed:
            yield f"  {finding.where}: {finding.gate}: {finding.what} (because: {reason})"
    folders = {
        str(PurePath(result.evidence).parent) for result in report.results if result.evidence
    }
    yield from ("", *(f"evidence: {folder}" for folder in sorted(folders)))
    yield f"gates: {count(gates(report))}"
    if report.nothing_applied:
        yield report.nothing_judged
    if report.items:
        yield f"checklist items: {count(report.items)}"
    if report.ready:
        yield from readiness(report, width)


def _gates(results: Iterable[Result]) -> Iterator[str]:
    """Say of each gate what it judged; those that did not pass come last, with the reason."""
    results = list(results)
    passed = [result for result in results if result.status is Status.PASS]
    empty = [result for result in results if result.status is Status.NOT_APPLICABLE]
    other = [
        result for result in results if result.status not in (Status.PASS, Status.NOT_APPLICABLE)
    ]
    if passed:
        yield from ("", "gates that passed, and what they judged")
        yield from (f"  pass    {line}" for line in _judged(passed))
    if empty:
        yield from ("", "gates that do not apply: no input of their kind is here")
        yield from (f"  n/a     {line}" for line in _judged(empty))
    if other:
        yield from ("", "gates that did not pass")
        for result in other:
            number = len(result.findings)
            many = f"{number} finding{'s' * (number > 1)}" if number else result.why
            yield f"  {result.status.value:<8}{_named(result)}: {result.title} ({many})"


def _named(result: Result) -> str:
    return f"{result.what.partition(':')[2]}  {result.environment or result.target}"


def _judged(results: Iterable[Result]) -> Iterator[str]:
    """Say of each gate how much it judged where: `NET001  (ports: kind 12, production 12)`."""
    numbers: dict[tuple[str, str], list[str]] = {}
    for result in results:
        key = (result.what.partition(":")[2], result.unit)
        where = result.environment or result.target
        numbers.setdefault(key, []).append(f"{where} {result.judged}")
    for (name, unit), of in numbers.items():
        yield f"{name}  ({unit}: {', '.join(of)})"


def _item(item: ItemResult, width: int) -> Iterator[str]:
    line = f"  {item.status.value:<15}{item.id:<{width}}  {item.title}"
    yield f"{line}  [{item.reached}]" if item.reached else line
    indent = " " * (19 + width)
    for proof in item.proofs:
        yield f"{indent}{proof.status.value:<8} {_proof(proof)}"
    if item.why:
        yield f"{indent}{item.why}"
    if item.status is not Status.PASS:
        runs = (proof.run for proof in item.proofs if proof.status is not Status.PASS)
        for command in dict.fromkeys(filter(None, (*runs, item.command))):
            yield f"{indent}$ {command}"


def _proof(proof: Result) -> str:
    if terms := proof.attestation:
        said = f"attested {terms.day} by {terms.by} ({proof.level.name.lower()}@{proof.target}"
        return f"{said} until {terms.until}): {proof.title} {proof.evidence}"
    words = [proof.what.replace(":", " ", 1), proof.environment]
    if proof.day:
        words += [f"ran on {proof.day}", proof.title and f"({proof.title})"]
    elif proof.what.startswith("requirement:"):
        words += [proof.reached] if proof.status is Status.PASS else []
    elif proof.status is Status.PASS:
        words += [proof.reached, PurePath(proof.evidence).name]
    return " ".join(filter(None, words))
