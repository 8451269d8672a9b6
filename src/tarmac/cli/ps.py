"""`tarmac ps`: the state of every process of a system."""

from __future__ import annotations

import sys

import click

from tarmac.base.errors import BadInput, Problem
from tarmac.cli.output import terminal
from tarmac.cli.parts import project

SECTION = "Run"


@click.command("ps", short_help="Show every process with its state and address.")
@project.system_argument
@click.option("--group", metavar="GROUP", help="Show the services of one group alone.")
@project.target_options
@project.json_option
def VERB(
    system: str | None,
    namespace: str,
    target: str,
    context: str | None,
    host: str | None,
    environment: str | None,
    *,
    group: str | None,
    as_json: bool,
) -> None:
    """Show every process of SYSTEM: state, pid, restarts, address. Exit code 1 if not all healthy.

    In a cluster: every workload with its pods, and the causes if it is not ready.

    Example: tarmac ps shop --json
    """
    from tarmac.cli.output import printing, system_state
    from tarmac.run.local.supervisor.status import Status
    from tarmac.run.opening import Place, opened

    place = Place(target, namespace, context, environment, host)
    with opened(place, project.find(system)) as running:
        status = running.status()
    if group is not None and isinstance(status, Status):
        status = status.of_group(group)
        if not status.nodes:
            raise BadInput([Problem(f"--group {group}", "no service of this group runs")])
    if as_json:
        terminal.print_json(status.as_data())
    else:
        system_state.show(printing.open_console(), status)
    sys.exit(0 if status.healthy else 1)
