"""Draws what a quick set of drills showed, and writes its journal; used by `drill`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from tarmac.base import figures
from tarmac.cli.output import drill_result, printing, terminal
from tarmac.cli.parts import project
from tarmac.drill import quick
from tarmac.drill.drill import DrillResult
from tarmac.model.system import System
from tarmac.run.opening import Place

PERIODS = ("before", "during")


def run(
    system: System,
    file: Path,
    say: Callable[[str], None],
    place: Place,
    written_to: Path | None,
    *,
    as_json: bool,
) -> str:
    """Run the set, write its journal and print it; returns its verdict."""
    started = dt.datetime.now(dt.UTC)
    found = quick.carry_out(system, file, say, place)
    written = quick.as_data(system, found, started)
    written_to = written_to or file.parent / ".tarmac" / "drill-quick.json"
    drill_result.write(written, written_to, None, None)
    if as_json:
        terminal.print_json(written)
    else:
        show(printing.open_console(), found)
        click.echo(f"{written['verdict']}\njournal: {project.shown(written_to)}")
    return str(written["verdict"])


def show(console: Console, found: Sequence[tuple[str, DrillResult]]) -> None:
    """Print a line for each drill."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("DRILL", "VERDICT", "GOOD VISITS", "P99 BEFORE", "P99 DURING", "WHY"):
        table.add_column(column, overflow="fold")
    for name, result in found:
        periods = {period.name: period for period in result.periods}
        share = periods["during"].good_share if periods else None
        good = "-" if share is None else figures.percent(share, 1)
        p99s = [figures.milliseconds(periods[n].p99_s, 0) if periods else "-" for n in PERIODS]
        style = drill_result.STYLES[result.verdict]
        table.add_row(name, f"[{style}]{result.verdict}[/]", good, *p99s, quick.deciding(result))
    console.print(table)
