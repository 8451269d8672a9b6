"""`tarmac ps`: the state of every process of a system."""

from __future__ import annotations

import sys

import click

from tarmac.cli import _project


@click.command("ps", short_help="Show every process with its state and address.")
@_project.system_argument
@_project.target_options
@_project.json_option
def VERB(
    system: str | None,
    namespace: str,
    target: str,
    context: str | None,
    environment: str | None,
    *,
    as_json: bool,
) -> None:
    """Show every process of SYSTEM: state, pid, restarts, address. Exit code 1 if not all healthy.

    In a cluster: every workload with its pods, and why one is not ready.

    Example: tarmac ps shop --json
    """
    from tarmac.cli import _cluster, _show

    place = _cluster.Place(target, context, environment)
    if place.is_cluster:
        with _cluster.opened(system, place) as running:
            sys.exit(_cluster.show(running, running.look(), as_json=as_json))
    status = _project.status_of(system, namespace)
    if as_json:
        _project.print_json(_show.as_data(status))
    else:
        console = _show.open_console()
        console.print(_show.table(status, console.width))
        if status.running:
            _show.explain_failures(console, status)
    sys.exit(0 if status.healthy else 1)
