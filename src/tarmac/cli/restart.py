"""`tarmac restart`: restart some processes, services without a gap."""

from __future__ import annotations

import sys

import click

from tarmac.cli import _project
from tarmac.errors import TarmacError


@click.command("restart", short_help="Restart some processes, services without a gap.")
@click.argument("names", metavar="[SYSTEM] [NAMES]...", nargs=-1)
@_project.namespace_option
@_project.timeout_option
@_project.target_options
@_project.json_option
def VERB(
    names: tuple[str, ...],
    namespace: str,
    target: str,
    context: str | None,
    environment: str | None,
    *,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Restart the NAMES of SYSTEM, or all of it; return when all is healthy again.

    A service is replaced without a gap, as after an edit: the new instance starts beside the old
    one, gets the connections once it is ready, and the old one drains. Stopped before they start
    again: with a store among the NAMES all of them, a service with a volume or `listen: fixed`, and
    any with `up --direct`.

    In a cluster: a rolling restart of NAMES, or of all services; stores only if named.

    Example: tarmac restart shop order-service
    """
    from tarmac.cli import _cluster, _show
    from tarmac.local.supervisor import client

    system, names = _project.split_names(names)
    place = _cluster.Place(target, context, environment)
    if place.is_cluster:
        with _cluster.opened(system, place) as running:
            states = running.restart(names, _cluster.WITHIN_S if timeout is None else timeout)
            sys.exit(_cluster.show(running, states, as_json=as_json))
    home = _project.home_of(system, namespace)
    if not client.is_running(home):
        raise TarmacError(f"{home.root}: the system is not running; start it with `tarmac up`")
    failed = client.ask(home, {"verb": "restart", "names": list(names)}).get("failed", {})
    status = client.wait(home, within_s=timeout)
    if as_json:
        _project.print_json({**_show.as_data(status), "failed": failed})
    else:
        console = _show.open_console()
        console.print(_show.table(status, console.width))
        for name, why in failed.items():
            console.print(_show.kept_serving(name, why), style="bold red", soft_wrap=True)
        _show.explain_failures(console, status)
    sys.exit(0 if status.healthy and not failed else 1)
