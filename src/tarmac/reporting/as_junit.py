"""A report as JUnit XML, which every CI shows: gates by environment, then the boxes."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable

from tarmac.report import Box, Finding, Report, Result, Status, as_finding

#: Not known is not failed: these are shown as skipped.
UNKNOWN = (Status.SKIPPED, Status.STALE, Status.NEEDS_CLOUD, Status.NOT_YET)


def write(report: Report) -> str:
    """Write a report as JUnit XML."""
    root = ET.Element("testsuites", name=f"tarmac verify {report.system}")
    gates = [each for each in report.results if each.what.startswith("gate:")]
    for environment in report.environments:
        own = [each for each in gates if each.environment == environment]
        _suite(root, f"{report.system} {environment}", (_gate(each) for each in own))
    if own := [each for each in gates if not each.environment]:
        _suite(root, f"{report.system} files", (_gate(each) for each in own))
    if report.remarks:
        _suite(root, f"{report.system} suppressions", map(_remark, report.remarks))
    if report.boxes:
        cases = (_box(each, has_to_pass=report.ready) for each in report.boxes)
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
    suite.set("errors", "0")
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))


def _gate(result: Result) -> ET.Element:
    name = f"{result.what.partition(':')[2]} {result.title}"
    case = _case(f"gates.{result.environment or result.target}.{result.phase}", name)
    if result.status is Status.FAIL:
        _failure(case, result.findings)
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


def _box(box: Box, *, has_to_pass: bool) -> ET.Element:
    case = _case(f"checklist.{box.phase}", f"{box.id} {box.title}")
    if box.status is Status.FAIL:
        found = [finding for proof in box.proofs for finding in proof.findings]
        _failure(case, found or [as_finding(box)])
    elif box.status is not Status.PASS and has_to_pass:
        _failure(case, [as_finding(box)])
    elif box.status in UNKNOWN:
        ET.SubElement(case, "skipped", message=f"{box.status.value}: {box.why or box.reached}")
    elif box.reached:
        ET.SubElement(case, "system-out").text = box.reached
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
