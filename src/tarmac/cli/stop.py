"""`tarmac stop`: stop services of a system that goes on running."""

from __future__ import annotations

import click

from tarmac.cli.parts import project

SECTION = "Run"


@click.command("stop", short_help="Stop services; the rest goes on.")
@click.argument("names", metavar="[SYSTEM] SERVICES...", nargs=-1, required=True)
@project.namespace_option
@project.json_option
def VERB(names: tuple[str, ...], namespace: str, *, as_json: bool) -> None:
    """Drain and stop SERVICES of a running SYSTEM; connections to them are closed at once.

    `tarmac start` starts them again, and so does `tarmac up`.

    Example: tarmac stop shop notification-service
    """
    from tarmac.cli.parts import part
    from tarmac.run.local.supervisor import client

    part.change(names, namespace, client.stop_services, as_json=as_json)
