"""`tarmac invariants`: whether the invariants hold now, and which rows violate them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from tarmac.cli.output import terminal
from tarmac.cli.output.waiting import waiting
from tarmac.cli.parts import project

if TYPE_CHECKING:
    from tarmac.model.system import System
    from tarmac.run.local.stores.invariants import InvariantResult

#: Rows of one invariant that are printed; --json has them all.
SHOWN_ROWS = 10

SECTION = "See"


@click.command("invariants", short_help="Check the invariants of the stores' rows.")
@project.system_argument
@click.option(
    "--within",
    "within_s",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Seconds to retry until all invariants hold, while jobs are in progress.",
)
@project.target_options
@project.json_option
def VERB(
    system: str | None,
    namespace: str,
    within_s: float,
    target: str,
    context: str | None,
    host: str | None,
    environment: str | None,
    *,
    as_json: bool,
) -> None:
    """Query the stores of a running SYSTEM for rows that violate its `invariants`.

    Invariants hold for a quiescent system: one may fail briefly while requests are in flight.
    Exit code 1 if one is violated, 2 if a query is wrong. In a cluster the query runs with the
    credentials of the store's first user.

    Example: tarmac invariants shop --within 10
    """
    from tarmac.run.opening import Place, opened

    place = Place(target, namespace, context, environment, host)
    with opened(place, project.find(system)) as running, waiting("asking the stores"):
        loaded, results = running.model, running.invariants(within_s)
    if as_json:
        terminal.print_json([as_data(result) for result in results])
    else:
        show(loaded, results)
    refused = any(result.error for result in results)
    sys.exit(2 if refused else int(any(result.wrong for result in results)))


def as_data(result: InvariantResult) -> dict[str, object]:
    """Write a result as plain data, for --json."""
    return {
        "name": result.name,
        "about": result.about,
        "holds": result.holds,
        "error": result.error,
        "wrong": [{"row": dict(row.row), "times": dict(row.times)} for row in result.wrong],
    }


def show(system: System, results: tuple[InvariantResult, ...]) -> None:
    """Print which hold, and the rows that violate the others."""
    for result in results:
        about = f": {result.about}" if result.about else ""
        if result.holds:
            click.echo(f"holds     {result.name}{about}")
            continue
        place = system.locate(("invariants", result.name), key=True)
        if result.error:
            click.echo(f"wrong     {place}: {result.name}: {result.error}")
            continue
        click.echo(f"VIOLATED  {result.name}{about} ({place})")
        for row in result.wrong[:SHOWN_ROWS]:
            click.echo(f"          {row}")
        if (more := len(result.wrong) - SHOWN_ROWS) > 0:
            click.echo(f"          and {more} more; --json has them all")
    if not results:
        click.echo("the system declares no invariants")
