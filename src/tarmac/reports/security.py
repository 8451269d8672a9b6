"""The security review before a cut-over: findings, each with its owner, and a fix or the risk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tarmac.base.report import Finding, Status
from tarmac.reports import claims, topics
from tarmac.reports.document import Block, Claim, Claims, Document, Paragraph, Section, Table
from tarmac.reports.document import verdict as judged
from tarmac.reports.inputs import ReportInputs
from tarmac.reports.kind import ReportKind

PHASE: Literal["security"] = "security"


@dataclass(frozen=True)
class SecurityFinding:
    """Something that is wrong, or that is not shown."""

    what: str
    #: Where it was found: a gate or a requirement, with the place or the level.
    source: str
    owner: str
    #: What fixes it, or why the risk is accepted, by which person and until when.
    treatment: str
    #: The risk is accepted on the day of the report.
    is_accepted: bool = False


def security_gates(inputs: ReportInputs) -> tuple[Claim, ...]:
    """Claim each security gate that has something to judge."""
    return tuple(
        claims.of_gate(result, inputs.called)
        for result in inputs.verified.results
        if result.what.startswith("gate:") and result.phase == PHASE
        if result.status is not Status.NOT_APPLICABLE
    )


def findings(inputs: ReportInputs) -> tuple[SecurityFinding, ...]:
    """List what gates found, and the requirements that are not shown; then accepted findings."""
    gates = {
        result.what.partition(":")[2] for result in inputs.verified.results if result.phase == PHASE
    }
    found = [
        _of_gate(inputs, finding, "")
        for finding in inputs.verified.findings
        if finding.gate in gates
    ]
    found += _of_requirements(inputs)
    found += (
        _of_gate(inputs, finding, reason)
        for finding, reason in inputs.verified.suppressed
        if finding.gate in gates
    )
    return tuple(found)


def open_findings(inputs: ReportInputs) -> tuple[SecurityFinding, ...]:
    """List the findings whose risk is not accepted."""
    return tuple(finding for finding in findings(inputs) if not finding.is_accepted)


def _of_gate(inputs: ReportInputs, finding: Finding, reason: str) -> SecurityFinding:
    what, _, fix = finding.what.rpartition("; ")
    treatment = f"accepted: {reason}" if reason else f"fix: {fix}"
    source = f"gate {finding.gate}, tested@tree, {finding.where}"
    return SecurityFinding(what or finding.what, source, inputs.owner, treatment, bool(reason))


def _of_requirements(inputs: ReportInputs) -> list[SecurityFinding]:
    accepted = {risk.requirement: risk for risk in inputs.data.risks}
    found = []
    for name in inputs.data.topics.get(PHASE, ()):
        if name not in inputs.required or inputs.required[name][0].status is Status.PASS:
            continue
        (claim,) = topics.required(inputs, [name])
        so_far = f"{name}{claim.level}"
        risk = accepted.get(name)
        is_accepted = risk is not None and risk.until >= inputs.today
        if risk is not None and is_accepted:
            text = f"accepted by {risk.by} until {risk.until}: {risk.reason}"
        else:
            over = f"; the risk was accepted until {risk.until}" if risk else ""
            runs = ", ".join(f"`{one}`" for one in claim.commands)
            text = f"open: {claims.WORDS[claim.status]}{f'; run {runs}' * bool(runs)}{over}"
        what = claim.text.partition(": ")[2]
        missing = f" ({claim.missing})" if claim.missing else ""
        owner = inputs.owner
        found.append(SecurityFinding(f"{what}{missing}", so_far, owner, text, is_accepted))
    return found


def make(inputs: ReportInputs) -> Document:
    """Report findings first, then what holds."""
    found, gates = findings(inputs), security_gates(inputs)
    left = open_findings(inputs)
    known = topics.of_topic(inputs, PHASE)
    shown = tuple(claim for claim in known if claim.status is Status.PASS)
    statuses = [Status.PASS if one.is_accepted else Status.NEEDS_PERSON for one in found]
    failed = any(claim.status in (Status.FAIL, Status.ERROR) for claim in gates)
    passed = tuple(claim for claim in gates if claim.status is Status.PASS)
    other = tuple(claim for claim in gates if claim.status is not Status.PASS)
    head = ("Finding", "Found by", "Owner", "Fix, or accepted risk")
    rows = tuple((one.what, one.source, one.owner, one.treatment) for one in found)
    blocks: tuple[Block, ...] = (Table(head, rows),)
    if not rows:
        blocks = (Paragraph("No gate found anything, and every requirement is shown."),)
    whole = judged(statuses or [Status.PASS])
    unknown = (Section("Gates that did not pass", (Claims(other),)),) if other else ()
    return Document(
        f"Security review of {inputs.system.name}",
        topics.facts(inputs),
        f"Findings: {len(left)} open, {len(found) - len(left)} accepted. Security gates: "
        f"{len(passed)} of the {len(gates)} with something to judge pass in {inputs.environment}. "
        f"Security requirements: {len(shown)} of {len(known)} are shown.",
        (
            Section("Findings", blocks, "FAIL" if failed else whole),
            *unknown,
            Section("What is shown", (Claims((*shown, *passed)),)),
            Section("What no program reviewed", (Paragraph(LIMITS),)),
            topics.legend(),
        ),
    )


LIMITS = (
    "The gates read the rendered files and the model. They do not read the services' code, attack "
    "nothing, and look at no account of a cloud. A person reads this review, adds what the person "
    "found as an item of checklist.yaml, and accepts a risk under `risks` in reports.yaml or in "
    "suppressions.yaml, with a reason and a last day."
)


def lacks(inputs: ReportInputs) -> str:
    """Say that there is nothing to review."""
    return "" if security_gates(inputs) else "has no file that a security gate could judge"


REPORT = ReportKind(
    "security",
    "findings with their owner, and a fix or the accepted risk",
    make=make,
    lacks=lacks,
)
