"""Writes a drill's result as JUnit XML: a test case per rule, for the CI that shows such files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

#: What makes a drill invalid is an error of the test, and no failure of the system.
ELEMENTS = {"setup": "error", "fault": "error", "hypothesis": "failure"}


def as_xml(journal: Mapping[str, Any]) -> str:
    """Write a journal's checks as one test suite."""
    checks = journal["checks"]
    broken = [ELEMENTS[check["about"]] for check in checks if not check["holds"]]
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
        limit = f" (asked: {check['limit']})" if check["limit"] else ""
        measured = f"{check['measured']}{limit}"
        if check["holds"]:
            SubElement(case, "system-out").text = measured
        else:
            SubElement(case, ELEMENTS[check["about"]], message=measured)
    indent(suite)
    return tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
