"""`tarmac parked`: messages and jobs that are tried no more, and how they are tried again."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tarmac.cli import _project

if TYPE_CHECKING:
    from tarmac.local.data.parked import Parked


@click.command("parked", short_help="Show parked messages and jobs; replay them.")
@_project.system_argument
@click.option("--replay", "replayed", multiple=True, metavar="ID", help="Try this one again.")
@click.option("--all", "every", is_flag=True, help="Try all of them again.")
@click.option("--drop", "dropped", multiple=True, metavar="ID", help="Forget this one.")
@_project.json_option
def VERB(
    system: str | None,
    namespace: str,
    replayed: tuple[str, ...],
    dropped: tuple[str, ...],
    *,
    every: bool,
    as_json: bool,
) -> None:
    """Show what the services of SYSTEM have parked: messages no handler takes, and jobs.

    What is replayed is tried again within a second, and what waits behind it comes after it.
    Exit code 1 if something is parked.

    Example: tarmac parked shop --replay payments-db/7
    """
    from tarmac.local.data import parked
    from tarmac.model.loader import load

    if sum(map(bool, (replayed, dropped, every))) > 1:
        raise click.UsageError("--replay, --all and --drop do not go together; one at a time")
    file = _project.find(system)
    home = _project.running_home(system, namespace)
    urls, without = parked.stores_of(home, load(str(file), lambda path: Path(path).read_bytes()))
    if replayed or dropped or every:
        ids = [each.id for each in parked.look(urls)] if every else (replayed or dropped)
        count = parked.change(urls, ids, drop=bool(dropped))
        if as_json:
            _project.print_json({"dropped" if dropped else "replayed": count})
        else:
            click.echo(f"{count} {'forgotten' if dropped else 'will be tried again'}")
        return
    found = parked.look(urls)
    if as_json:
        _project.print_json(
            {"parked": [asdict(each) for each in found], "not_looked_at": list(without)}
        )
    else:
        _show(found, without)
    sys.exit(int(bool(found)))


def _show(found: tuple[Parked, ...], without: tuple[str, ...]) -> None:
    for each in found:
        key = f", key {each.key}" if each.key else ""
        behind = f"; {each.behind} wait for it" if each.behind else ""
        click.echo(f"{each.id}  {each.kind} {each.what}{key}, since {each.since}{behind}")
        click.echo(f"    failed {each.failures} time(s): {each.error}")
    if not found:
        click.echo("nothing is parked")
    for name in without:
        click.echo(
            f"{name} has no database: what it parks is on the broker, parked.<group>.<topic>"
        )
