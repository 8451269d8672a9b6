"""`tarmac dashboard`: the link of the dashboard, or the dashboard of what earlier runs left."""

from __future__ import annotations

import click

from tarmac.base.errors import TarmacError
from tarmac.cli.output import terminal
from tarmac.cli.parts import project

SECTION = "See"


@click.command("dashboard", short_help="Show the dashboard, of a stopped system too.")
@project.system_argument
@click.option("--open", "is_opened", is_flag=True, help="Open the link in the browser.")
@project.json_option
def VERB(system: str | None, namespace: str, *, is_opened: bool, as_json: bool) -> None:
    """Print the link of SYSTEM's dashboard; show its earlier runs where it does not run.

    Of a system that does not run, this command serves the dashboard itself until Ctrl-C: the
    traces, logs, metrics and events that its runs left. Access is as for a running system: the link
    has a token, and leads to this machine alone.

    Example: tarmac dashboard shop
    """
    import webbrowser

    from tarmac.run.local.supervisor import client

    home = project.home_of(system, namespace)
    status = client.status(home)

    def announce(link: str) -> None:
        runs = status is not None and status.running
        if as_json:
            terminal.print_json({"dashboard": link, "running": runs})
        else:
            click.echo(link if runs else f"what earlier runs left: {link}\nCtrl-C ends it")
        if is_opened and not webbrowser.open(link):
            click.echo("no browser could be started; open the link by yourself", err=True)

    if status is None or not status.running:
        from tarmac.run.dashboard import past

        past.serve(home, announce)
    elif status.dashboard:
        announce(status.dashboard)
    else:
        raise TarmacError("the system runs without its dashboard; start it without --no-telemetry")
