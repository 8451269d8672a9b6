"""A report for another program: all that is known, as plain data."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from tarmac.base.report import Finding, ItemResult, Report, Result


def write(report: Report) -> str:
    """Write a report as JSON."""
    content = {
        "system": report.system,
        "environments": list(report.environments),
        "date": report.today,
        "trees": [asdict(tree) for tree in report.trees],
        "items": [_item(item) for item in report.items],
        "open": [requirement.id for requirement in report.open],
        "ready": report.passed(strict=False) if report.ready else None,
        "results": [_result(result) for result in report.results],
        "remarks": [_finding(remark) for remark in report.remarks],
        "suppressed": [
            {**_finding(finding), "reason": reason} for finding, reason in report.suppressed
        ],
    }
    return json.dumps(content, indent=2) + "\n"


def _item(item: ItemResult) -> dict[str, Any]:
    return {
        "id": item.id,
        "phase": item.phase,
        "title": item.title,
        "place": item.place,
        "status": item.status.value,
        "reached": item.reached,
        "why": item.why,
        "remedy": item.remedy,
        "command": item.command,
        "proofs": [_result(proof) for proof in item.proofs],
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
        "judged": result.judged,
        "unit": result.unit,
        "why": result.why,
        "evidence": result.evidence,
        "recorded": result.day or None,
        "attestation": asdict(result.attestation) if result.attestation else None,
        "findings": [_finding(finding) for finding in result.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "where": finding.where,
        "what": finding.what,
        "gate": finding.gate,
        "warning": finding.warning,
        "severity": finding.severity,
        "fix": asdict(finding.fix) if finding.fix else None,
    }
