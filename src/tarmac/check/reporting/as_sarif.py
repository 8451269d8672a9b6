"""A report as SARIF 2.1.0, which forges show at the lines of a pull request."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

from tarmac.base.report import Finding, Report, Result, Status

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
NOT_APPLICABLE = Status.NOT_APPLICABLE


def write(report: Report) -> str:
    """Write a report as SARIF; a rule for each gate that ran, a result for each finding."""
    rules = {
        result.what.partition(":")[2]: {
            "id": result.what.partition(":")[2],
            "shortDescription": {"text": result.title},
            "properties": {"tags": [result.phase]},
        }
        for result in report.results
        if result.what.startswith("gate:")
    }
    hidden = dict(report.suppressed)
    found = [_result(finding, None) for finding in (*report.findings, *report.unready)]
    found += [_result(finding, reason) for finding, reason in hidden.items()]
    found += [
        _not_applicable(result) for result in report.results if result.status is NOT_APPLICABLE
    ]
    used = {sarif_result["ruleId"] for sarif_result in found} - rules.keys()
    driver = {
        "name": "tarmac",
        "version": version("tarmac"),
        "rules": [*rules.values(), *({"id": name} for name in sorted(used))],
    }
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "automationDetails": {"id": f"tarmac-verify/{report.system}"},
                "invocations": [_invocation(report)],
                "results": found,
            }
        ],
    }
    return json.dumps(log, indent=2) + "\n"


def _invocation(report: Report) -> dict[str, Any]:
    """Return whether every gate ran, and which broke."""
    broken = [result for result in report.results if result.status is Status.ERROR]
    notes = [{"level": "error", "message": {"text": result.why}} for result in broken]
    return {"executionSuccessful": not broken, "toolExecutionNotifications": notes}


def _not_applicable(result: Result) -> dict[str, Any]:
    where = f" in {result.environment}" if result.environment else ""
    return {
        "ruleId": result.what.partition(":")[2],
        "kind": "notApplicable",
        "level": "none",
        "message": {"text": f"{result.title}: not applicable{where}, {result.why}"},
    }


def _result(finding: Finding, reason: str | None) -> dict[str, Any]:
    file, line, column = finding.position
    physical: dict[str, Any] = {"artifactLocation": {"uri": file or "."}}
    if line is not None:
        physical["region"] = {"startLine": line}
        if column is not None:
            physical["region"]["startColumn"] = column
    result: dict[str, Any] = {
        "ruleId": finding.gate or "tarmac",
        "level": "warning" if finding.warning else "error",
        "message": {"text": finding.what},
        "locations": [{"physicalLocation": physical}],
        "properties": {"severity": finding.severity},
    }
    if reason is not None:
        result["suppressions"] = [{"kind": "external", "justification": reason}]
    return result
