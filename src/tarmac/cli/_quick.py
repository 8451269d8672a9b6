"""Runs a quick set of drills on one copy of a system, and draws what it showed; used by `drill`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from tarmac.cli import _drill, _project, _show
from tarmac.drills import game_day, journal, needs, quick, running_system
from tarmac.drills.drill import Check, DrillContext, DrillResult, Verdict
from tarmac.errors import TarmacError
from tarmac.local.supervisor.local_target import local_target
from tarmac.model.system import System

CHAOS = "chaos"
PERIODS = ("before", "during")


def run(
    system: System,
    file: Path,
    say: Callable[[str], None],
    namespace: str | None,
    written_to: Path | None,
    *,
    as_json: bool,
) -> str:
    """Run the set, write its journal and print it; returns its verdict."""
    started = dt.datetime.now(dt.UTC)
    found = carry_out(system, file, say, namespace)
    written = as_data(system, found, started)
    written_to = written_to or file.parent / ".tarmac" / "drill-quick.json"
    _drill.write(written, written_to, None, None)
    if as_json:
        _project.print_json(written)
    else:
        show(_show.open_console(), found)
        click.echo(f"{written['verdict']}\njournal: {_project.shown(written_to)}")
    return str(written["verdict"])


def carry_out(
    system: System, file: Path, say: Callable[[str], None], namespace: str | None
) -> list[tuple[str, DrillResult]]:
    """Run the set, on the copy of a namespace or on a new one.

    Raises:
        TarmacError: the copy does not come up.
    """
    kinds = needs.kinds()
    wanted, found = quick.visits(system), []
    with _drill.running(file, namespace, {}, say) as home, local_target(home) as target:
        state = running_system.steady_state(system, home)
        planned = list(quick.drills(target, wanted))
        for number, (name, drill) in enumerate(planned, 1):
            _drill.noted(target, say)(f"drill {number} of {len(planned)}: {name}")
            context = DrillContext(drill, wanted.journeys, target, state)
            try:
                result = kinds[CHAOS].run(context)
            except TarmacError as error:
                result = DrillResult((Check("setup", "the drill can begin", False, str(error)),))
            found.append((name, result))
            say(f"  {result.verdict}: {deciding(result)}")
    return found


def deciding(result: DrillResult) -> str:
    """Say by which rule a drill was decided: the first that does not hold, or how it recovered."""
    for about in ("setup", "fault", "hypothesis"):
        for check in result.checks:
            if check.about == about and not check.holds:
                return f"{check.what}: {check.measured}"
    return f"visits as before after {result.recovered_s or 0.0:.1f} s"


def as_data(
    system: System, found: Sequence[tuple[str, DrillResult]], started: dt.datetime
) -> dict[str, Any]:
    """Write a set as data for JSON; its verdict is the worst of those that showed something."""
    verdicts: list[str] = [result.verdict for _, result in found]
    shown = [one for one in verdicts if one != Verdict.INVALID] or [Verdict.INVALID.value]
    return {
        "journal": journal.FORMAT,
        "verdict": game_day.worst(shown).value,
        "system": system.name,
        "started": started.isoformat(timespec="seconds"),
        "drills": [{"drill": name, **journal.of_result(result)} for name, result in found],
    }


def show(console: Console, found: Sequence[tuple[str, DrillResult]]) -> None:
    """Print a line for each drill."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("DRILL", "VERDICT", "GOOD VISITS", "P99 BEFORE", "P99 DURING", "WHY"):
        table.add_column(column, overflow="fold")
    for name, result in found:
        periods = {period.name: period for period in result.periods}
        share = periods["during"].good_share if periods else None
        good = "-" if share is None else f"{100 * share:.1f} %"
        p99s = [f"{1000 * periods[n].p99_s:.0f} ms" if periods else "-" for n in PERIODS]
        style = _drill.STYLES[result.verdict]
        table.add_row(name, f"[{style}]{result.verdict}[/]", good, *p99s, deciding(result))
    console.print(table)
