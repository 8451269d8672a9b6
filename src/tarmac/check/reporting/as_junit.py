"""A report as JUnit XML, which every CI shows: gates by environment, then checklist items."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable

from tarmac.base.report import Finding, ItemResult, Report, Result, Status, as_finding
from tarmac.base.report_lines import gates

#: Not known is not failed: these are shown as skipped.
UNKNOWN = (
    Status.SKIPPED,
    Status.STALE,
    Status.NEEDS_CLUSTER,
    Status.NEEDS_CLOUD,
    Status.NEEDS_PERSON,
    Status.NOT_YET,
    Status.NOT_APPLICABLE,
)


def write(report: Report) -> str:
    """Write a report as JUnit XML."""
    root = ET.Element("testsuites", name=f"tarmac verify {report.system}")
    judged = gates(report)
    for environment in report.environments:
        own = [gate for gate in judged if gate.environment == environment]
        _suite(root, f"{report.system} {environment}", (_gate(result) for result in own))
    if own := [gate for gate in judged if not gate.environment]:
        _suite(root, f"{report.system} files", (_gate(result) for result in own))
    if report.remarks:
        _suite(root, f"{report.system} suppressions", map(_remark, report.remarks))
    if report.items:
        cases = (_item(item, has_to_pass=report.ready) for item in report.items)
        _suite(root, f"{report.system} checklist", cases)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(root: ET.Element, name: str, cases: Iterable[ET.Element]) -> None:
    suite = ET.SubElement(root, "testsuite", name=name)
    suite.extend(cases)
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))


def _gate(result: Result) -> ET.Element:
    name = f"{result.what.partition(':')[2]} {result.title}"
    case = _case(f"gates.{result.environment or result.target}.{result.phase}", name)
    if result.status is Status.FAIL:
        _failure(case, result.findings)
    elif result.status is Status.ERROR:
        error = ET.SubElement(case, "error", message=result.why, type="gate")
        error.text = result.traceback
    elif result.status is Status.NOT_APPLICABLE:
        ET.SubElement(case, "skipped", message=f"not applicable: {result.why}")
    elif result.status in UNKNOWN:
        ET.SubElement(case, "skipped", message=result.why or result.status.value)
    elif result.findings:
        ET.SubElement(case, "system-out").text = _told(result.findings)
    return case


def _remark(finding: Finding) -> ET.Element:
    case = _case("suppressions", finding.where)
    if finding.warning:
        ET.SubElement(case, "system-out").text = str(finding)
    else:
        _failure(case, (finding,))
    return case


def _item(item: ItemResult, *, has_to_pass: bool) -> ET.Element:
    case = _case(f"checklist.{item.phase}", f"{item.id} {item.title}")
    if item.status in (Status.FAIL, Status.ERROR):
        found = [finding for proof in item.proofs for finding in proof.findings]
        _failure(case, found or [as_finding(item)])
    elif item.status is not Status.PASS and has_to_pass:
        _failure(case, [as_finding(item)])
    elif item.status in UNKNOWN:
        ET.SubElement(case, "skipped", message=f"{item.status.value}: {item.why or item.reached}")
    elif item.reached:
        ET.SubElement(case, "system-out").text = item.reached
    return case


def _case(group: str, name: str) -> ET.Element:
    return ET.Element("testcase", classname=group, name=name, time="0")


def _failure(case: ET.Element, findings: Iterable[Finding]) -> None:
    findings = tuple(findings)
    many = f"{len(findings)} findings" if len(findings) > 1 else "".join(map(str, findings))
    failure = ET.SubElement(case, "failure", message=many or "a proof failed", type="finding")
    failure.text = _told(findings)


def _told(findings: Iterable[Finding]) -> str:
    return "\n".join(map(str, findings))
