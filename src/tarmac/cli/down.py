"""`tarmac down`: drain and stop a system."""

from __future__ import annotations

import click

from tarmac.cli.output import terminal
from tarmac.cli.output.waiting import waiting
from tarmac.cli.parts import project

SECTION = "Run"


@click.command("down", short_help="Drain and stop a system; its data stays.")
@project.system_argument
@click.option("--delete-data", is_flag=True, help="Also delete its data, logs and secrets.")
@click.option("--yes", is_flag=True, help="With --target compose: do not ask before deleting data.")
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
    delete_data: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Drain and stop SYSTEM: services first, then their stores. Data stays, unless --delete-data.

    Example: tarmac down shop --delete-data
    """
    from tarmac.run.local.supervisor import client
    from tarmac.run.opening import LOCAL, Place

    place = Place(target, namespace, context, environment, host)
    if target != LOCAL:
        from tarmac.cli.parts import down_compose

        file = project.find(system)
        down_compose.down(file, place, deletes=delete_data, asks=not yes, as_json=as_json)
        return
    place.check()

    home = project.home_of(system, namespace)
    with waiting("stopping"):
        was_running = client.is_running(home) and client.down(home)
    deleted = []
    if delete_data:
        from tarmac.run.local.supervisor import remove

        with waiting("deleting"):
            deleted = remove.delete(home)
    if as_json:
        terminal.print_json({"stopped": was_running, "deleted": deleted})
        return
    click.echo("stopped" if was_running else "nothing was running")
    for line in deleted:
        click.echo(f"deleted {line}")
