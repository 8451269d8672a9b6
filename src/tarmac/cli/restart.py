"""`tarmac restart`: restart some processes, services without a gap."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import click

from tarmac.cli.output import terminal
from tarmac.cli.parts import project

SECTION = "Run"


@click.command("restart", short_help="Restart some processes, services without a gap.")
@click.argument("names", metavar="[SYSTEM] [NAMES]...", nargs=-1)
@project.namespace_option
@project.timeout_option
@project.target_options
@project.json_option
def VERB(
    names: tuple[str, ...],
    namespace: str,
    target: str,
    context: str | None,
    host: str | None,
    environment: str | None,
    *,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Restart the NAMES of SYSTEM, or everything; return when all processes are healthy again.

    A service is replaced without a gap, as after an edit: the new instance starts beside the old
    one, gets the connections once it is ready, and the old one drains. There is a gap if NAMES
    include a store, for a service with a volume or `listen: fixed`, and with `up --direct`: the old
    instance stops before the new one starts.

    In a cluster: a rolling restart of NAMES, or of all services; stores only if named. With
    Compose: without a gap, but for services with a published port, a volume or a hook before the
    stop.

    Example: tarmac restart shop order-service
    """
    from tarmac.cli.output import printing, progress, system_state
    from tarmac.run.local_system import LocalSystem
    from tarmac.run.opening import Place, opened

    system, names = project.split_names(names)
    place = Place(target, namespace, context, environment, host)
    console = printing.open_console()
    with opened(place, project.find(system)) as running, contextlib.ExitStack() as stack:
        shown: dict[str, Any] = {}
        if isinstance(running, LocalSystem) and not as_json:
            shown["look"] = stack.enter_context(progress.showing(console, running.status()))
        done = running.restart(names, timeout, **shown)
    if as_json:
        terminal.print_json({**done.status.as_data(), "failed": dict(done.failed)})
    else:
        why_not = [printing.kept_serving(name, why) for name, why in done.failed.items()]
        system_state.show(console, done.status, why_not)
    sys.exit(0 if done.status.healthy and not done.failed else 1)
