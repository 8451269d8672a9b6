"""`tarmac runs`: the runs of a system, and two of them beside each other."""

from __future__ import annotations

import contextlib
from dataclasses import asdict

import click

from tarmac.cli.output import terminal
from tarmac.cli.parts import project

SECTION = "See"


@click.command("runs", short_help="List the runs of a system, or compare two of them.")
@click.argument("words", nargs=-1, metavar="[SYSTEM] [BEFORE] [AFTER]")
@project.namespace_option
@project.json_option
def VERB(words: tuple[str, ...], namespace: str, *, as_json: bool) -> None:
    """List the runs of SYSTEM by `tarmac up`, or compare the run BEFORE with AFTER.

    A run lasts from `up` to `down`; its name is its start time, and a prefix of the name is enough.
    Without AFTER, the latest run is compared.

    Example: tarmac runs shop 2026-11-20
    """
    from tarmac.cli.output import printing, run_tables
    from tarmac.run.telemetry import runs, storage

    system, names = project.split_names(words)
    if len(names) > 2:
        raise click.UsageError("two runs at most")
    home = project.home_of(system, namespace)
    console = printing.open_console()
    with contextlib.closing(storage.reader(home.telemetry)) as stored:
        if names:
            before, after = (runs.find(stored, name) for name in (*names, runs.LATEST)[:2])
            compared = list(runs.compare(stored, before, after))
            if as_json:
                found = [asdict(one) for one in compared]
                terminal.print_json({"before": before.name, "after": after.name, "services": found})
            else:
                printing.print_table(
                    console, run_tables.comparison(before, after, compared), ("P50",)
                )
            return
        known = [(run, runs.requests(stored, run)) for run in runs.all_runs(stored)]
    if as_json:
        terminal.print_json({"runs": [asdict(run) for run, _ in known]})
    else:
        console.print(run_tables.listing(known))
