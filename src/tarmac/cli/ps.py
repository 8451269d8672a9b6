"""`tarmac ps`: the state of every process of a system."""

from __future__ import annotations

import sys

import click

from tarmac.cli import _project


@click.command("ps", short_help="Show every process with its state and address.")
@_project.system_argument
@_project.json_option
def VERB(system: str | None, namespace: str, *, as_json: bool) -> None:
    """Show every process of SYSTEM: state, pid, restarts, address. Exit code 1 if not all healthy.

    Example: tarmac ps shop --json
    """
    from tarmac.cli import _show

    status = _project.status_of(system, namespace)
    if as_json:
        _project.print_json(_show.as_data(status))
    else:
        console = _show.open_console()
        console.print(_show.table(status, console.width))
        if status.running:
            _show.explain_failures(console, status)
    sys.exit(0 if status.healthy else 1)
