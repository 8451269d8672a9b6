"""Blocks and sections that several kinds of reports have: drills with their figures, the head."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tarmac.drill.report.timeline import timeline
from tarmac.model.report_data import Topic
from tarmac.reports import claims, plots
from tarmac.reports.document import Block, Claim, Claims, Paragraph, Plot, Section, Table
from tarmac.reports.drill_records import DrillRecord
from tarmac.reports.inputs import ReportInputs
from tarmac.reports.plots import Bar

NOT_PROVEN = (
    "A level says how far a proof reaches, and of what: rendered, valid, tested, planned, applied, "
    "observed; `tested@tree` is a test of the rendered files. A claim without a proof that ran "
    "is not shown, and counts as open. What was skipped or does not apply never counts as passed."
)
#: Of a plot.
GOOD = "Good visits of each period; a mark stands at the percentage that the drill asks for in all."
RECOVERED = "How long it took until visits went as before; a mark stands at the limit of the drill."


def facts(inputs: ReportInputs) -> tuple[tuple[str, str], ...]:
    """Say of what a report is, and of which day."""
    return (
        ("system", f"{inputs.system.name}, environment {inputs.environment}"),
        ("owner", inputs.owner),
        ("day", inputs.today.isoformat()),
        ("model", f"{inputs.system.document.file}, sha256 {inputs.model}..."),
        ("made by", "; ".join(_trees(inputs)) or "`tarmac report`"),
    )


def _trees(inputs: ReportInputs) -> Iterator[str]:
    for tree in inputs.verified.trees:
        where = f"the tree {tree.folder}" if tree.folder else "files rendered in memory"
        differs = f", {tree.differing} of them not as the model renders" if tree.differing else ""
        yield f"`tarmac report`, from {where}{differs}"


def legend() -> Section:
    """Explain levels, at the end of a report."""
    return Section("How to read it", (Paragraph(NOT_PROVEN),))


def required(inputs: ReportInputs, names: Iterable[str]) -> tuple[Claim, ...]:
    """Claim requirements by their names."""
    return tuple(
        claims.of_requirement(name, inputs.required[name], inputs.commands.get(name, ()))
        for name in dict.fromkeys(names)
        if name in inputs.required
    )


def of_topic(inputs: ReportInputs, topic: Topic) -> tuple[Claim, ...]:
    """Claim the requirements that reports.yaml names for a topic."""
    return required(inputs, inputs.data.topics.get(topic, ()))


def of_kinds(inputs: ReportInputs, *kinds: str) -> tuple[DrillRecord, ...]:
    """List the system's drills of some kinds."""
    return tuple(record for record in inputs.drills if record.kind in kinds)


def drill_blocks(records: tuple[DrillRecord, ...]) -> Iterator[Block]:
    """Yield the claims of drills, and the figures of those that ran with their plots."""
    if records:
        yield Claims(tuple(map(claims.of_drill, records)))
    if rules := tuple(row for record in records for row in _rules(record)):
        yield Table(("Drill", "Rule", "Measured", "Asked", "Holds"), rules)
    if rows := tuple(row for record in records for row in _periods(record)):
        yield Table(("Drill", "Period", "Visits", "Good", "p99", "Longest"), rows)
        yield Plot(plots.bars(tuple(_good(records)), GOOD), GOOD)
    for record in records:
        if record.journal is not None and record.journal["seconds"]:
            drawing, caption = timeline(record.journal)
            yield Plot(drawing, f"{record.name}, {record.day}: {caption.text}")


def _good(records: Iterable[DrillRecord]) -> Iterator[Bar]:
    for record in records:
        asked = record.file.hypothesis.success
        for period in record.periods:
            if period["visits"]:
                good = 100 * period["good"] / period["visits"]
                label = f"{record.name}: {period['name']}"
                yield Bar(label, good, f"{good:.1f} %", asked, asked is None or good >= asked)


def _rules(record: DrillRecord) -> Iterator[tuple[str, ...]]:
    """Yield each rule that has a limit, as it decided."""
    for rule in record.rules:
        if rule["limit"]:
            holds = "yes" if rule["holds"] else "no"
            yield record.name, rule["what"], rule["measured"], rule["limit"], holds


def _periods(record: DrillRecord) -> Iterator[tuple[str, ...]]:
    for period in record.periods:
        visits = period["visits"]
        yield (
            record.name,
            period["name"],
            f"{visits}",
            f"{100 * period['good'] / visits:.2f} %" if visits else "no visit",
            f"{1000 * period['p99_s']:.0f} ms",
            f"{1000 * period['longest_s']:.0f} ms",
        )


def drill_table(records: Iterable[DrillRecord]) -> Table:
    """List drills with their last verdict, its day and the recovery."""
    return Table(
        ("Drill", "What happens", "Verdict", "Day", "As before again"),
        tuple(
            (
                record.name,
                record.file.title,
                record.verdict,
                record.day or f"run `{record.command}`",
                "" if record.recovered_s is None else f"after {record.recovered_s:.1f} s",
            )
            for record in records
        ),
    )


def recovery_plot(records: Iterable[DrillRecord]) -> Iterator[Block]:
    """Yield a plot of the recoveries of drills, if any ran."""
    found = tuple(
        Bar(
            record.name,
            record.recovered_s,
            f"{record.recovered_s:.1f} s",
            record.file.recovery,
            record.recovered_s <= record.file.recovery,
        )
        for record in records
        if record.recovered_s is not None
    )
    if found:
        yield Plot(plots.bars(found, RECOVERED), RECOVERED)
