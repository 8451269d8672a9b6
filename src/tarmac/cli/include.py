"""`tarmac include`: what a system includes, and its locked commits."""

from __future__ import annotations

import sys

import click

from tarmac.cli.output import terminal
from tarmac.cli.output.waiting import say_once
from tarmac.cli.parts import project

SECTION = "Change"


@click.command("include", short_help="Show what a system includes, and move its revisions.")
@click.argument("names", metavar="[SYSTEM] [REPOSITORIES]...", nargs=-1)
@project.namespace_option
@click.option("--update", is_flag=True, help="Take what the revisions are now, and lock that.")
@click.option("--check", is_flag=True, help="Ask the repositories what their revisions are now.")
@project.json_option
def VERB(
    names: tuple[str, ...], namespace: str, *, update: bool, check: bool, as_json: bool
) -> None:
    """Show the repositories that SYSTEM includes, with the commits in tarmac.include.lock.

    With --check: exit code 1 if a revision is another commit now. With --update: the commits of
    now are locked, of REPOSITORIES or of all, and each change is printed.

    Example: tarmac include shop payments --update
    """
    from tarmac.project import revisions
    from tarmac.run.local.supervisor import client

    if update and check:
        raise click.UsageError("--update and --check exclude each other; pass one of them")
    system, names = project.split_names(names)
    file = project.find(system)
    if update or check:
        say_once("asking the repositories")  # git may ask for a password meanwhile
    if update:
        moves = revisions.moved(str(file), names)
        if as_json:
            terminal.print_json({"moved": [move.as_data() for move in moves]})
        for move in () if as_json else moves:
            click.echo(str(move))
        return
    sources = client.sources_of(project.home_of(system, namespace))
    found = revisions.listed(str(file), names, sources, asks=check)
    if as_json:
        terminal.print_json({"included": [one.as_data() for one in found]})
    elif not found:
        click.echo(f"{file} includes no repository")
    for one in () if as_json else found:
        click.echo(str(one))
    sys.exit(int(any(one.is_behind for one in found)))
