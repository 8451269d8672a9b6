"""Lines about a report that each of its forms as text has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

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


def finding_lines(report: Report, findings: Iterable[Finding]) -> Iterator[str]:
    """Write findings of a report, each with the environments in which it was made."""
    found_in: dict[Finding, list[str]] = {}
    for result in report.results:
        for finding in dict.fromkeys(result.findings):
            found_in.setdefault(finding, []).append(result.environment)
    for finding in findings:
        mark = f"{finding.severity}: " if finding.warning else ""
        places = found_in.get(finding, [])  # of none: a remark on the run itself
        place = f" [{', '.join(places)}]" if any(places) else ""
        yield f"  {finding.where}: {mark}{finding.gate}: {finding.what}{place}"


def fixable(report: Report) -> Iterator[str]:
    """Say how many findings can be corrected by themselves."""
    if number := sum(finding.fix is not None for finding in report.findings):
        yield f"  {number} of them can be corrected by --fix; --diff shows how"


def gates(report: Report) -> list[Result]:
    """List the results of gates."""
    return [result for result in report.results if result.what.startswith("gate:")]


def not_run(report: Report) -> Iterator[str]:
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


def readiness(report: Report, width: int) -> Iterator[str]:
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


def count(of: Iterable[Result | ItemResult]) -> str:
    """Say how many have which status."""
    counted = Counter(result.status for result in of)
    return (
        ", ".join(f"{counted[status]} {status.label}" for status in Status if counted[status])
        or "none"
    )
