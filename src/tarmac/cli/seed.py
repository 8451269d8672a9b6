"""`tarmac seed`: load first data that was not loaded yet, or again."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from tarmac.cli.output import terminal
from tarmac.cli.output.waiting import waiting
from tarmac.cli.parts import project

SAID = {
    "applied": "applied",
    "unchanged": "already applied, unchanged since",
    "edited": "edited since it was applied; pass --again to apply it again",
}

SECTION = "Run"


@click.command("seed", short_help="Load the stores' seed data.")
@click.argument("names", metavar="[SYSTEM] [STORES]...", nargs=-1)
@project.namespace_option
@click.option("--again", is_flag=True, help="Apply files that were already applied, too.")
@project.json_option
def VERB(names: tuple[str, ...], namespace: str, *, again: bool, as_json: bool) -> None:
    """Load the seed data of the STORES of SYSTEM, or of all; each file once, unless --again.

    Exit code 1 if a file was edited since it was applied. `up` and `reset` apply seeds, too.

    Example: tarmac seed shop products-db --again
    """
    from tarmac.run.local.supervisor import client
    from tarmac.run.local.supervisor.requests import Seed

    system, stores = project.split_names(names)
    home = project.running_home(system, namespace)
    with waiting("loading"):
        seeds = client.ask(home, Seed(stores, again))
    if as_json:
        terminal.print_json([asdict(seed) for seed in seeds])
    else:
        for seed in seeds:
            click.echo(f"{seed.store}: {seed.file}: {SAID[seed.outcome]}")
        if not seeds:
            click.echo("no store of the system has a seed")
    sys.exit(1 if any(seed.outcome == "edited" for seed in seeds) else 0)
