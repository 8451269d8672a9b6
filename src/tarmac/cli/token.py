"""`tarmac token`: a caller token, for a request to a service by hand."""

from __future__ import annotations

import click

from tarmac.cli.output import terminal
from tarmac.cli.parts import project

SECTION = "Run"
OWNER = "env"


@click.command("token", short_help="Print a caller token, for a request by hand.")
@click.argument("names", metavar="[SYSTEM] SERVICE", nargs=-1)
@project.namespace_option
@click.option(
    "--as",
    "caller",
    metavar="CALLER",
    default="",
    help=("The service that the token names as caller; default: a developer, valid everywhere."),
)
@project.json_option
def VERB(names: tuple[str, ...], namespace: str, *, caller: str, as_json: bool) -> None:
    """Print a token for requests that change data of SERVICE of SYSTEM; it is valid for 10 minutes.

    A service of the kit accepts such requests from declared callers only, except on public paths.
    The token is a secret; send it in a header: -H "X-Caller-Token: $(tarmac token shop web)".

    Example: tarmac token shop order-service
    """
    from tarmac.plan.callers import DEVELOPER
    from tarmac.run.local.supervisor import client
    from tarmac.run.local.supervisor.requests import Token

    system, services = project.split_names(names)
    if len(services) != 1:
        raise click.UsageError("name one service: tarmac token [SYSTEM] SERVICE")
    home = project.running_home(system, namespace)
    asked = Token(caller or DEVELOPER, services[0])
    token = client.ask(home, asked)
    if as_json:
        terminal.print_json({"service": services[0], "caller": asked.caller, "token": token})
    else:
        click.echo(token)
