"""The plan that ends in the cut-over: its stages with their dates, then the day itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from tarmac.base.report import Status
from tarmac.reports import claims, cutover_steps, topics
from tarmac.reports.document import Claim, Claims, Document, Section, Steps, Table
from tarmac.reports.document import verdict as judged
from tarmac.reports.inputs import ReportInputs
from tarmac.reports.kind import ReportKind

WEEK = timedelta(days=7)


def make(inputs: ReportInputs) -> Document:
    """Write the stages, what each has to show, and the checklist of the day."""
    stages = tuple(_weeks(inputs)) or tuple(_phases(inputs))
    whole = sum(judged(c.status for c in made) == "PASS" for _, _, made in stages)
    items = inputs.verified.items
    is_open = len(inputs.verified.open)
    gate = (
        f"{len(items) - is_open} of {len(items)} checklist items pass"
        + (", so the cut-over is refused" if inputs.plan.settings.checklist and is_open else "")
        if items
        else "there is no checklist that could refuse the cut-over"
    )
    head = ("Stage", "When", "Shown", "State")
    rows = tuple(
        (
            title,
            when or "no date",
            f"{sum(claim.status is Status.PASS for claim in made)} of {len(made)}",
            judged(claim.status for claim in made),
        )
        for title, when, made in stages
    )
    cutover = inputs.data.cutover
    day = (
        f"The cut-over is planned for the week of {_first(cutover.starts, last)}. "
        if cutover and (last := max(stage.weeks[1] for stage in cutover.stages))
        else "No day is planned; write `cutover` in reports.yaml, and each stage has its dates. "
    )
    return Document(
        f"Cut-over plan of {inputs.system.name}",
        topics.facts(inputs),
        f"{day}{whole} of {len(stages)} stages are shown whole; {gate}.",
        (
            Section("Stages", (Table(head, rows),)),
            *(
                Section(title, (Claims(made),), judged(claim.status for claim in made))
                for title, _, made in stages
            ),
            Section("The day", (Steps(tuple(cutover_steps.day(inputs))),)),
            Section("The way back", (Steps(tuple(cutover_steps.way_back(inputs))),)),
            topics.legend(),
        ),
    )


def _first(starts: date, week: int) -> str:
    return (starts + (week - 1) * WEEK).isoformat()


def _weeks(inputs: ReportInputs) -> Iterator[tuple[str, str, tuple[Claim, ...]]]:
    """Yield each stage of reports.yaml: its title, its dates, what it has to show."""
    cutover = inputs.data.cutover
    for stage in cutover.stages if cutover else ():
        first, last = stage.weeks
        weeks = f"week {first}" if first == last else f"weeks {first} to {last}"
        assert cutover is not None  # noqa: S101 - it has this stage
        end = cutover.starts + last * WEEK - timedelta(days=1)
        when = f"{weeks}, {_first(cutover.starts, first)} to {end}"
        yield stage.title, when, topics.required(inputs, stage.requirements)


def _phases(inputs: ReportInputs) -> Iterator[tuple[str, str, tuple[Claim, ...]]]:
    """Yield the phases of the checklist as stages: they have an order, and no dates."""
    for phase in dict.fromkeys(item.phase for item in inputs.verified.items):
        own = (item for item in inputs.verified.items if item.phase == phase)
        yield phase, "", tuple(map(claims.of_item, own))


def lacks(inputs: ReportInputs) -> str:
    """Say that there are neither weeks nor items."""
    if inputs.data.cutover or inputs.verified.items:
        return ""
    return "has no `cutover` in reports.yaml and no checklist; write one of them"


REPORT = ReportKind(
    "cutover", "the stages with their dates, the day and the way back", make=make, lacks=lacks
)
