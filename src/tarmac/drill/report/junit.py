"""Writes a drill's result as JUnit XML: a test case per rule, for the CI that shows such files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from tarmac.drill.drill import Verdict, measured
from tarmac.drill.report.journal import expected_of

#: What makes a drill invalid is an error of the test, and no failure of the system.
ELEMENTS = {"setup": "error", "fault": "error", "hypothesis": "failure", "verdict": "failure"}


def as_xml(journal: Mapping[str, Any]) -> str:
    """Write a journal's checks as one test suite."""
    checks = [*journal["checks"], *_expectation(journal)]
    expected = expected_of(journal)
    broken = [ELEMENTS[check["about"]] for check in checks if _is_broken(check, expected)]
    suite = Element(
        "testsuite",
        name=f"{journal['system']} {journal['drill']}",
        tests=str(len(checks)),
        errors=str(broken.count("error")),
        failures=str(broken.count("failure")),
        timestamp=journal["started"],
    )
    for check in checks:
        classname = f"{journal['system']}.{journal['drill']}.{check['about']}"
        case = SubElement(suite, "testcase", classname=classname, name=check["what"])
        found = measured(check["measured"], check["limit"])
        if not _is_broken(check, expected):
            SubElement(case, "system-out").text = found
        else:
            SubElement(case, ELEMENTS[check["about"]], message=found)
    indent(suite)
    return tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _is_broken(check: Mapping[str, Any], expected: str) -> bool:
    """Tell whether a rule is against its drill: where FAIL is expected, its hypothesis is not."""
    return not check["holds"] and (check["about"] != "hypothesis" or expected == Verdict.PASS)


def _expectation(journal: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a rule for the verdict, where the file expects FAIL."""
    expected, verdict = expected_of(journal), journal.get("verdict")
    if expected != Verdict.PASS and verdict != Verdict.INVALID:
        holds = {"holds": verdict == expected, "measured": verdict, "limit": expected}
        yield {"about": "verdict", "what": "the verdict is the expected one", **holds}
