"""`tarmac start`: start services of a running system, with what they need."""

from __future__ import annotations

import click

from tarmac.cli.parts import project

SECTION = "Run"


@click.command("start", short_help="Start services that are stopped or off.")
@click.argument("names", metavar="[SYSTEM] SERVICES...", nargs=-1, required=True)
@project.namespace_option
@project.timeout_option
@project.json_option
def VERB(names: tuple[str, ...], namespace: str, *, timeout: float | None, as_json: bool) -> None:
    """Start SERVICES of a running SYSTEM, and the services and stores that they need.

    They were stopped by `tarmac stop`, started elsewhere (`up --without`), or are not part of what
    runs. What runs is not restarted.

    Example: tarmac start shop notification-service
    """
    from tarmac.cli.parts import part
    from tarmac.run.local.supervisor import client

    part.change(names, namespace, client.start_services, as_json=as_json, timeout=timeout)
