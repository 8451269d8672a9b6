"""`tarmac edges`: who talks to whom, and whether they said so."""

from __future__ import annotations

import sys

import click

from tarmac.cli import _project
from tarmac.errors import TarmacError


@click.command("edges", short_help="Show what went over each declared edge, and undeclared ones.")
@_project.system_argument
@_project.json_option
def VERB(system: str | None, namespace: str, *, as_json: bool) -> None:
    """Show each declared edge of SYSTEM with its traffic, and connections that nobody declared.

    Undeclared ones are found in the kernel's socket table (Linux): a service that connects to a
    store or another service past its wire. Exit code 1 if there are any.

    Example: tarmac edges shop --json
    """
    from tarmac.cli import _edges, _show
    from tarmac.local import client

    home = _project.home_of(system, namespace)
    if not client.is_running(home):
        raise TarmacError(f"{home.root}: nothing runs here; `tarmac up` starts it")
    answer = client.ask(home, {"verb": "edges"})
    if as_json:
        _project.print_json({"edges": answer["edges"], "undeclared": answer["undeclared"]})
    else:
        _edges.show(_show.open_console(), answer["edges"], answer["undeclared"])
    sys.exit(1 if answer["undeclared"] else 0)
