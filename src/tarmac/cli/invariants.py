"""`tarmac invariants`: whether what must always be true is true now, and which rows say no."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tarmac.cli import _project

if TYPE_CHECKING:
    from tarmac.local.data.invariants import Verdict
    from tarmac.model.system import System

#: Rows of one invariant that are printed; --json has them all.
SHOWN_ROWS = 10
POLL_S = 0.2


@click.command("invariants", short_help="Check what must always be true of the stores' rows.")
@_project.system_argument
@click.option(
    "--within",
    "within_s",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Seconds to ask again until all hold: the system may still be at work.",
)
@_project.json_option
def VERB(system: str | None, namespace: str, within_s: float, *, as_json: bool) -> None:
    """Ask the stores of a running SYSTEM whether its `invariants` hold; name the rows that say no.

    They are promised of a system at rest: while orders are under way one may fail for a moment.
    Exit code 1 if one is violated, 2 if a query of one is wrong.

    Example: tarmac invariants shop --within 10
    """
    from tarmac.local.data import invariants
    from tarmac.model.loader import load

    file = _project.find(system)
    home = _project.running_home(system, namespace)
    loaded = load(str(file), lambda path: Path(path).read_bytes())
    end = time.monotonic() + within_s
    verdicts = invariants.ask(home, loaded)
    while any(verdict.wrong for verdict in verdicts) and time.monotonic() < end:
        time.sleep(POLL_S)
        verdicts = invariants.ask(home, loaded)
    if as_json:
        _project.print_json([_as_data(verdict) for verdict in verdicts])
    else:
        _show(loaded, verdicts)
    refused = any(verdict.error for verdict in verdicts)
    sys.exit(2 if refused else int(any(verdict.wrong for verdict in verdicts)))


def _as_data(verdict: Verdict) -> dict[str, object]:
    return {
        "name": verdict.name,
        "about": verdict.about,
        "holds": verdict.holds,
        "error": verdict.error,
        "wrong": [{"row": dict(each.row), "times": dict(each.times)} for each in verdict.wrong],
    }


def _show(system: System, verdicts: tuple[Verdict, ...]) -> None:
    for verdict in verdicts:
        about = f": {verdict.about}" if verdict.about else ""
        if verdict.holds:
            click.echo(f"holds     {verdict.name}{about}")
            continue
        place = system.locate(("invariants", verdict.name), key=True)
        if verdict.error:
            click.echo(f"wrong     {place}: {verdict.name}: {verdict.error}")
            continue
        click.echo(f"VIOLATED  {verdict.name}{about} ({place})")
        for each in verdict.wrong[:SHOWN_ROWS]:
            click.echo(f"          {each}")
        if (more := len(verdict.wrong) - SHOWN_ROWS) > 0:
            click.echo(f"          and {more} more; --json has them all")
    if not verdicts:
        click.echo("the system declares no invariants")
