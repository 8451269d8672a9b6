"""`tarmac edges`: traffic of each declared edge, those never used, and undeclared connections."""

from __future__ import annotations

import sys

import click

from tarmac.cli.output import terminal
from tarmac.cli.parts import project

SECTION = "See"


@click.command(
    "edges", short_help="Show the traffic of each declared edge, and undeclared connections."
)
@project.system_argument
@project.target_options
@project.json_option
@click.option(
    "--unused", is_flag=True, help="Show declared edges never used in this run; exit code 1 if any."
)
def VERB(
    system: str | None,
    namespace: str,
    target: str,
    context: str | None,
    host: str | None,
    environment: str | None,
    *,
    as_json: bool,
    unused: bool,
) -> None:
    """Show each declared edge of SYSTEM with its traffic, and undeclared connections.

    Undeclared connections are read from the kernel's socket table (Linux): a service bypasses its
    per-edge proxy to reach a store or another service. Exit code 1 if there are any.

    A declared edge without a connection since the start is listed as never used; if tests cover all
    use cases, consider deleting it.

    With `tarmac up --mtls` the ends of each edge know each other by certificates: TLS counts the
    connections that the callee has admitted from this caller. Services that were refused because
    they do not declare what they connect to are listed; exit code 1 if there are any.

    In a cluster the pods of each caller count the requests of its calls since they started.
    Connections to stores and undeclared connections are not counted there.

    Example: tarmac edges shop --json
    """
    from tarmac.cli.output import edges, printing
    from tarmac.run.opening import Place, opened

    place = Place(target, namespace, context, environment, host)
    with opened(place, project.find(system)) as running:
        found = running.edges()
    if unused:
        found = found.unused()
    if as_json:
        terminal.print_json(found.as_data())
    elif unused and not found.count and not found.undeclared:
        click.echo(found.all_used)
    else:
        edges.show(printing.open_console(), found)
    refused = any(source for source, _ in found.refused)
    sys.exit(1 if found.undeclared or refused or (unused and found.count) else 0)
