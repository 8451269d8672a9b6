"""A report for another program: all that is known, as plain data."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from tarmac.report import Box, Finding, Report, Result


def write(report: Report) -> str:
    """Write a report as JSON."""
    content = {
        "system": report.system,
        "environments": list(report.environments),
        "date": report.today,
        "boxes": [_box(each) for each in report.boxes],
        "open": [each.id for each in report.open],
        "ready": report.passed(strict=False) if report.ready else None,
        "results": [_result(each) for each in report.results],
        "remarks": [_finding(each) for each in report.remarks],
        "suppressed": [
            {**_finding(finding), "reason": reason} for finding, reason in report.suppressed
        ],
    }
    return json.dumps(content, indent=2) + "\n"


def _box(box: Box) -> dict[str, Any]:
    return {
        "id": box.id,
        "phase": box.phase,
        "title": box.title,
        "place": box.place,
        "status": box.status.value,
        "reached": box.reached,
        "why": box.why,
        "remedy": box.remedy,
        "proofs": [_result(each) for each in box.proofs],
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "what": result.what,
        "title": result.title,
        "phase": result.phase,
        "environment": result.environment,
        "status": result.status.value,
        "level": result.level.name.lower(),
        "target": result.target,
        "why": result.why,
        "evidence": result.evidence,
        "by_hand": asdict(result.by_hand) if result.by_hand else None,
        "findings": [_finding(each) for each in result.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "where": finding.where,
        "what": finding.what,
        "gate": finding.gate,
        "warning": finding.warning,
    }
