"""What a recovery may cost, and what drills have measured: a section of the recovery plan."""

from __future__ import annotations

import re

from tarmac.drill.file.sections import Failover, Restore
from tarmac.reports import plots
from tarmac.reports.document import Block, Paragraph, Plot, Section, Table
from tarmac.reports.document import verdict as judged
from tarmac.reports.drill_records import DrillRecord
from tarmac.reports.plots import Bar

#: Of plots.
LOST = "For how long what was written is lost; a mark stands at what the drill allows (RPO)."
BACK = (
    "How long it took until visits went as before; a mark stands at what the drill allows (RTO). "
    "Where they did not in time there is no bar."
)
#: The last figure of a rule's measured value.
_LAST = re.compile(r"([\d.]+) (ms|s)$")


def _section_of(record: DrillRecord) -> Restore | Failover:
    found = record.file.restore or record.file.failover
    assert found is not None  # noqa: S101 - the file was checked
    return found


def section(drills: tuple[DrillRecord, ...]) -> Section:
    """Compare what may be lost with what a drill has lost."""
    rows = []
    for record in drills:
        wanted = _section_of(record)
        measured = {rule["what"]: rule["measured"] for rule in record.rules}
        lost = [text for what, text in measured.items() if what.startswith("RPO of ")]
        most = max(lost, key=lambda text: _seconds(text) or 0.0, default="not measured")
        rows.append(
            (
                record.name,
                ", ".join(wanted.stores),
                f"{wanted.rpo:g} s",
                f"{most} (the most of {len(lost)})" if len(lost) > 1 else most,
                f"{wanted.rto:g} s",
                measured.get("RTO", "not measured"),
                record.day or f"run `{record.command}`",
            )
        )
    head = ("Drill", "Data of", "RPO asked", "Lost", "RTO asked", "Back", "Day")
    blocks: tuple[Block, ...] = (Table(head, tuple(rows)),)
    if not rows:
        text = (
            "No drill says how much data may be lost and how long a recovery may take. Write one "
            "of `kind: restore` in drills/, with `rpo` and `rto`."
        )
        blocks = (Paragraph(text),)
    for about, figures in ((LOST, _figures(drills, "RPO of ")), (BACK, _figures(drills, "RTO"))):
        if any(figure.value for figure in figures):
            blocks = (*blocks, Plot(plots.bars(figures, about), about))
    return Section("Goals, and what was measured", blocks, judged(r.status for r in drills))


def _figures(drills: tuple[DrillRecord, ...], rule: str) -> tuple[Bar, ...]:
    """Take the seconds of each rule of a name, beside what its drill asks for."""
    found = []
    for record in drills:
        wanted = _section_of(record)
        asked = wanted.rpo if rule.startswith("RPO") else wanted.rto
        for one in record.rules:
            taken = _seconds(one["measured"])
            if one["what"].startswith(rule) and taken is not None:
                label = f"{record.name}: {one['what'].removeprefix('RPO of ')}"
                found.append(Bar(label, taken, f"{taken:g} s", asked, bool(one["holds"])))
    return tuple(found)


def _seconds(measured: str) -> float | None:
    """Read the last figure of a measured value; None: it has none."""
    found = _LAST.search(measured)
    return float(found[1]) / (1000 if found[2] == "ms" else 1) if found else None
