"""The last hardening before customers come: six sections, each with a verdict of its own."""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base.report import Status
from tarmac.model.report_data import Topic
from tarmac.reports import claims, topics
from tarmac.reports.document import Block, Claims, Document, Paragraph, Section, Table
from tarmac.reports.document import verdict as judged
from tarmac.reports.drill_records import DrillRecord
from tarmac.reports.inputs import ReportInputs
from tarmac.reports.kind import ReportKind
from tarmac.reports.security import open_findings, security_gates

#: Gates on certificates and on the mesh that makes mutual TLS.
TLS_GATES = ("SEC006", "MSH001", "RUN004")
#: How many lines of the cost a decision is asked for.
TOP = 5


def make(inputs: ReportInputs) -> Document:
    """Report the six sections; one passes only where all of it is shown."""
    sections = (
        _section(inputs, "1. TLS and mutual TLS", "tls", gates=TLS_GATES),
        _section(inputs, "2. Load", "load", topics.of_kinds(inputs, "capacity")),
        _section(
            inputs,
            "3. Faults under load",
            "chaos",
            topics.of_kinds(inputs, "chaos", "ramp", "random"),
        ),
        _section(
            inputs,
            "4. Backup and restore",
            "recovery",
            topics.of_kinds(inputs, "restore", "failover"),
        ),
        _cost(inputs),
        _security(inputs),
    )
    passed = sum(section.verdict == "PASS" for section in sections)
    return Document(
        f"Hardening of {inputs.system.name}",
        topics.facts(inputs),
        f"{passed} of {len(sections)} sections pass. OPEN is not passed: something in it is not "
        "shown. " + "; ".join(f"{section.title}: {section.verdict}" for section in sections) + ".",
        (*sections, topics.legend()),
    )


def _section(
    inputs: ReportInputs,
    title: str,
    topic: Topic,
    drills: tuple[DrillRecord, ...] = (),
    gates: Iterable[str] = (),
) -> Section:
    """Make the section of a topic: its requirements, its drills, the gates that apply."""
    found = topics.of_topic(inputs, topic)
    wanted = {f"gate:{gate}" for gate in gates}
    of_gates = tuple(
        claims.of_gate(result, inputs.called)
        for result in inputs.verified.results
        if result.what in wanted and result.status is not Status.NOT_APPLICABLE
    )
    statuses = [claim.status for claim in (*found, *of_gates)]
    statuses += [record.status for record in drills]
    blocks: list[Block] = [Claims((*found, *of_gates))] if found or of_gates else []
    blocks += topics.drill_blocks(drills)
    if not (drills or (found and topic == "tls")):  # a gate reads files: it saw nothing run
        blocks.append(Paragraph(_NOTHING[topic].format(called=inputs.called)))
        statuses.append(Status.NOT_YET)
    return Section(title, tuple(blocks), judged(statuses))


#: What a system lacks that has nothing of a topic.
_NOTHING: dict[Topic, str] = {
    "tls": "Nothing here was seen to run: gates read files. Name the requirements on TLS and "
    "mutual TLS under `topics` in reports.yaml, or look with `tarmac verify {called} --target "
    "cluster`.",
    "load": "The system has no drill of `kind: capacity`; write one in drills/, then run "
    "`tarmac drill {called} NAME`.",
    "chaos": "The system has no drill that injects a fault; write one in drills/, then run "
    "`tarmac drill {called} NAME`.",
    "recovery": "The system has no drill of `kind: restore` or `kind: failover`; write one in "
    "drills/, then run `tarmac drill {called} NAME`.",
}


def _cost(inputs: ReportInputs) -> Section:
    """Name the top lines of the cost, each with the decision that is recorded."""
    if inputs.cost is None:
        text = f"`tarmac cost {inputs.called} --env {inputs.environment}` has no estimate of it."
        return Section("5. Cost", (Paragraph(text),), "OPEN")
    lines = sorted(inputs.cost.lines, key=lambda line: -line.month)[:TOP]
    decided = {one.line: one for one in inputs.data.decisions}
    rows, statuses = [], []
    for line in lines:
        known = decided.get(line.what)
        said = f"{known.decision} ({known.by}, {known.day})" if known else "no decision is recorded"
        statuses.append(Status.PASS if known else Status.NEEDS_PERSON)
        rows.append((line.what, line.how, f"{line.month:.2f}", said))
    undecided = [line.what for line in lines if line.what not in decided]
    total = (
        f"{inputs.cost.month:.2f} USD a month by estimate, before traffic, logs and tax; "
        f"`tarmac cost {inputs.called} --env {inputs.environment}` computes it. The {len(lines)} "
        f"largest lines are {100 * sum(line.month for line in lines) / inputs.cost.month:.0f} % "
        "of it. The prices are those of the catalogue that comes with Tarmac, not of an invoice."
    )
    blocks: list[Block] = [
        Paragraph(total),
        Table(("Line", "How it is computed", "USD a month", "Decision"), tuple(rows)),
    ]
    if undecided:
        names = ", ".join(undecided)
        text = f"No decision is recorded on {names}; write it under `decisions` in reports.yaml."
        blocks.append(Paragraph(text))
    if inputs.savings:
        ways = tuple((w.what, w.how, w.takes, f"{w.month:.2f}") for w in inputs.savings)
        blocks.append(Table(("It would save", "How", "It takes", "USD a month"), ways))
    return Section("5. Cost", tuple(blocks), judged(statuses))


def _security(inputs: ReportInputs) -> Section:
    """Give the posture in short; the security review has all of it."""
    gates, left = security_gates(inputs), open_findings(inputs)
    passed = sum(gate.status is Status.PASS for gate in gates)
    text = (
        f"{passed} of the {len(gates)} security gates with something to judge pass, {len(left)} "
        f"findings are open. `tarmac report {inputs.called} --kind security` lists them."
    )
    found = topics.of_topic(inputs, "security")
    statuses = [claim.status for claim in (*gates, *found)]
    blocks = (Paragraph(text), *((Claims(found),) if found else ()))
    return Section("6. Security", blocks, judged(statuses))


def lacks(inputs: ReportInputs) -> str:
    """Say that there is nothing to harden."""
    if inputs.data.topics or inputs.drills:
        return ""
    return "has no drills and no reports.yaml; write one of them"


REPORT = ReportKind(
    "hardening",
    "TLS, load, faults, restore, cost and security, each with a verdict",
    make=make,
    lacks=lacks,
)
