"""A report for a person: checklist items, gates that did not pass, findings, what is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import PurePath

from tarmac.base.report import Finding, ItemResult, Report, Result, Status, count_open

#: Items in the order in which a reader wants them: what is shown, what is missing, what is wrong.
SECTIONS = (
    (Status.PASS, "shown"),
    (Status.SKIPPED, "not shown on this machine"),
    (Status.STALE, "proven for another version than the current one"),
    (Status.NEEDS_CLUSTER, "needs a cluster"),
    (Status.NEEDS_CLOUD, "needs a cloud, or another service of the internet"),
    (Status.NEEDS_PERSON, "needs a person"),
    (Status.NOT_YET, "not built yet"),
    (Status.NOT_APPLICABLE, "not applicable"),
    (Status.ERROR, "broken"),
    (Status.FAIL, "failed"),
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
    gates = [result for result in report.results if result.what.startswith("gate:")]
    yield from _gates(gates)
    if report.findings:
        yield from ("", "findings")
        found_in: dict[Finding, list[str]] = {}
        for result in report.results:
            for finding in dict.fromkeys(result.findings):
                found_in.setdefault(finding, []).append(result.environment)
        for finding in report.findings:
            mark = "warning: " if finding.warning else ""
            places = found_in.get(finding, [])  # of none: a remark on the run itself
            place = f" [{', '.join(places)}]" if any(places) else ""
            yield f"  {finding.where}: {mark}{finding.gate}: {finding.what}{place}"
        if fixable := sum(finding.fix is not None for finding in report.findings):
            yield f"  {fixable} of them can be corrected by --fix; --diff shows how"
    yield from _not_run(report)
    if report.suppressed:
        yield from ("", "suppressed")
        for finding, reason in report.suppressed:
            yield f"  {finding.where}: {finding.gate}: {finding.what} (because: {reason})"
    folders = {
        str(PurePath(result.evidence).parent) for result in report.results if result.evidence
    }
    yield from ("", *(f"evidence: {folder}" for folder in sorted(folders)))
    yield f"gates: {_count(gates)}"
    if report.nothing_applied:
        yield report.nothing_judged
    if report.items:
        yield f"checklist items: {_count(report.items)}"
    if report.ready:
        yield from _readiness(report, width)


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


def _readiness(report: Report, width: int) -> Iterator[str]:
    """Yield what is open, and what closes it."""
    many = len(report.items)
    if not report.open:
        attested = sum(any(proof.attestation for proof in item.proofs) for item in report.items)
        said = f"{many} of {many} checklist items pass" + f", {attested} attested" * bool(attested)
        is_all = report.passed(strict=False)
        yield f"ready: {said}" if is_all else f"not ready: {said}; there are other findings as well"
        return
    yield from ("", f"not ready: {count_open(report)}")
    for item in report.open:
        yield f"  {item.status.value:<15}{item.id:<{width}}  {item.title}"
        yield f"{' ' * (19 + width)}{item.place}: {item.remedy}"


def _not_run(report: Report) -> Iterator[str]:
    """Yield how what did not run is run, and its evidence taken."""
    proofs = [proof for item in report.items for proof in item.proofs]
    unknown = [proof for proof in proofs if proof.status in (Status.SKIPPED, Status.STALE)]
    missing = [proof.what for proof in unknown if not proof.run]
    files = {what[5:].partition("::")[0] for what in missing if what.startswith("test:")}
    if files:
        yield from (
            "",
            "tests that have not run on the current version; run them, and pass their results:",
            f"  pytest {' '.join(sorted(files))} --junitxml=tests.xml",
            f"  tarmac verify {report.system} --junit tests.xml",
        )


def _count(of: Iterable[Result | ItemResult]) -> str:
    counted = Counter(result.status for result in of)
    return (
        ", ".join(f"{counted[status]} {status.label}" for status in Status if counted[status])
        or "none"
    )
