"""`tarmac edges`: traffic of each declared edge, and undeclared connections."""

from __future__ import annotations

import sys

import click

from tarmac.cli import _project
from tarmac.errors import TarmacError


@click.command(
    "edges", short_help="Show the traffic of each declared edge, and undeclared connections."
)
@_project.system_argument
@_project.json_option
def VERB(system: str | None, namespace: str, *, as_json: bool) -> None:
    """Show each declared edge of SYSTEM with its traffic, and undeclared connections.

    Undeclared connections are read from the kernel's socket table (Linux): a service bypasses its
    per-edge proxy to reach a store or another service. Exit code 1 if there are any.

    Example: tarmac edges shop --json
    """
    from tarmac.cli import _edges, _show
    from tarmac.local.supervisor import client

    home = _project.home_of(system, namespace)
    if not client.is_running(home):
        raise TarmacError(f"{home.root}: the system is not running; start it with `tarmac up`")
    answer = client.ask(home, {"verb": "edges"})
    if as_json:
        _project.print_json({"edges": answer["edges"], "undeclared": answer["undeclared"]})
    else:
        _edges.show(_show.open_console(), answer["edges"], answer["undeclared"])
    sys.exit(1 if answer["undeclared"] else 0)
