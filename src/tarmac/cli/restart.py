"""`tarmac restart`: stop some processes and start them again."""

from __future__ import annotations

import sys

import click

from tarmac.cli import _project
from tarmac.errors import TarmacError


@click.command("restart", short_help="Drain some processes and start them again.")
@click.argument("names", metavar="[SYSTEM] [NAMES]...", nargs=-1)
@_project.namespace_option
@_project.timeout_option
@_project.json_option
def VERB(names: tuple[str, ...], namespace: str, *, timeout: float | None, as_json: bool) -> None:
    """Drain and restart the NAMES of SYSTEM, or all of it; return when all is healthy again.

    Example: tarmac restart shop order-service
    """
    from tarmac.cli import _show
    from tarmac.local import client

    system, names = _project.split_names(names)
    home = _project.home_of(system, namespace)
    if not client.is_running(home):
        raise TarmacError(f"{home.root}: nothing runs here; `tarmac up` starts it")
    client.ask(home, {"verb": "restart", "names": list(names)})
    status = client.wait(home, within_s=timeout)
    if as_json:
        _project.print_json(_show.as_data(status))
    else:
        console = _show.open_console()
        console.print(_show.table(status, console.width))
        _show.explain_failures(console, status)
    sys.exit(0 if status.healthy else 1)
