"""The readiness of a system for production: its checklist, item by item, with what closes each."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Status
from tarmac.base.report_lines import SECTIONS, gates
from tarmac.reports import claims, topics
from tarmac.reports.document import Claims, Document, Paragraph, Section, verdict
from tarmac.reports.inputs import ReportInputs
from tarmac.reports.kind import ReportKind


def make(inputs: ReportInputs) -> Document:
    """Report each item of the checklist: what is shown first, then what is missing."""
    items = inputs.verified.items
    is_open = len(inputs.verified.open)
    found = [claims.of_item(item) for item in items]
    ready = "ready" if not is_open and inputs.verified.passed(strict=False) else "not ready"
    summary = (
        f"{inputs.system.name} is {ready} for {inputs.environment}: {len(items) - is_open} of "
        f"{len(items)} checklist items pass ({claims.count(found)})."
    )
    if not is_open and ready == "not ready":
        summary += " Gates have findings besides; they are listed below."
    return Document(
        f"Readiness of {inputs.system.name}",
        topics.facts(inputs),
        summary,
        (*_items(inputs), *_findings(inputs), *_drills(inputs), topics.legend()),
    )


def _items(inputs: ReportInputs) -> Iterator[Section]:
    for status, heading in SECTIONS:
        own = tuple(i for i in inputs.verified.items if i.status is status)
        if own:
            title = f"{heading[0].upper()}{heading[1:]}"
            made = Claims(tuple(map(claims.of_item, own)))
            yield Section(title, (made,), verdict({item.status for item in own}))


def _findings(inputs: ReportInputs) -> Iterator[Section]:
    bad = (Status.FAIL, Status.ERROR)
    judged = gates(inputs.verified)
    passed = sum(one.status is Status.PASS for one in judged)
    empty = sum(one.status is Status.NOT_APPLICABLE for one in judged)
    failed = tuple(claims.of_gate(one, inputs.called) for one in judged if one.status in bad)
    unknown = len(judged) - passed - empty - len(failed)
    command = f"tarmac verify {inputs.called} --env {inputs.environment}"
    text = (
        f"{passed} of {len(judged)} gates pass in {inputs.environment}, {len(failed)} fail, "
        f"{empty} have nothing of their kind to judge, {unknown} were skipped. "
        f"`{command}` lists them."
    )
    blocks = (Paragraph(text), Claims(failed)) if failed else (Paragraph(text),)
    yield Section("Gates", blocks, "FAIL" if failed else "")


def _drills(inputs: ReportInputs) -> Iterator[Section]:
    if inputs.drills:
        plot = topics.recovery_plot(inputs.drills)
        yield Section("Drills", (topics.drill_table(inputs.drills), *plot))


def lacks(inputs: ReportInputs) -> str:
    """Say that there is no checklist."""
    if inputs.verified.items:
        return ""
    return "has no checklist, and so nothing to be ready; write checklist.yaml beside it"


REPORT = ReportKind(
    "readiness", "each item of the checklist, and what closes it", make=make, lacks=lacks
)
