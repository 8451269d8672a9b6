"""`tarmac dead-letters`: list dead-lettered messages and jobs, replay or drop them."""

from __future__ import annotations

import functools
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from tarmac.cli.output import terminal
from tarmac.cli.parts import project

if TYPE_CHECKING:
    from tarmac.run.local.stores.dead_letters import DeadLetter

SECTION = "See"


@click.command("dead-letters", short_help="List dead-lettered messages and jobs; replay them.")
@project.system_argument
@click.option("--replay", "replayed", multiple=True, metavar="ID", help="Retry this one.")
@click.option("--all", "every", is_flag=True, help="Retry all of them.")
@click.option("--drop", "dropped", multiple=True, metavar="ID", help="Delete this one.")
@project.json_option
def VERB(
    system: str | None,
    namespace: str,
    replayed: tuple[str, ...],
    dropped: tuple[str, ...],
    *,
    every: bool,
    as_json: bool,
) -> None:
    """List the dead letters of SYSTEM: messages and jobs whose retries are exhausted.

    A replayed message is retried within a second, then those of its key that wait behind it.
    Exit code 1 if there are dead letters.

    Example: tarmac dead-letters shop --replay payments-db/7
    """
    from tarmac.project.reading import load
    from tarmac.run.local.stores import dead_letters
    from tarmac.run.local.supervisor import client

    if sum(map(bool, (replayed, dropped, every))) > 1:
        raise click.UsageError("--replay, --all and --drop exclude each other; pass one of them")
    file = project.find(system)
    home = project.running_home(system, namespace)
    urls, without = dead_letters.stores_of(
        load(str(file), sources=client.sources_of(home)),
        functools.partial(client.store_url, home),
    )
    if replayed or dropped or every:
        ids = [item.id for item in dead_letters.read(urls)] if every else (replayed or dropped)
        count = dead_letters.change(urls, ids, drop=bool(dropped))
        if as_json:
            terminal.print_json({"dropped" if dropped else "replayed": count})
        else:
            click.echo(f"{count} {'deleted' if dropped else 'will be retried'}")
        return
    found = dead_letters.read(urls)
    if as_json:
        terminal.print_json(
            {"dead_letters": [asdict(item) for item in found], "unread": list(without)}
        )
    else:
        _show(found, without)
    sys.exit(int(bool(found)))


def _show(found: tuple[DeadLetter, ...], without: tuple[str, ...]) -> None:
    from tarmac.base import figures

    for item in found:
        key = f", key {item.key}" if item.key else ""
        behind = f"; {item.behind} wait behind it" if item.behind else ""
        since = figures.moment(item.since)
        click.echo(f"{item.id}  {item.kind} {item.what}{key}, since {since}{behind}")
        click.echo(f"    failed {item.failures} time(s): {item.error}")
    if not found:
        click.echo("no dead letters")
    for name in without:
        click.echo(
            f"{name} has no database: the broker holds its dead letters, which are not listed here"
        )
