"""`tarmac drift`: how what `tarmac deploy` has put somewhere differs from what is rendered."""

from __future__ import annotations

import sys

import click

from tarmac.cli.output.waiting import waiting
from tarmac.cli.parts import project

SECTION = "Deliver"


@click.command("drift", short_help="Compare what is deployed with what is rendered.")
@click.argument("system", required=False)
@click.option("--env", "environment", metavar="ENV", help="Required if the model has several.")
@click.option(
    "--context",
    metavar="NAME",
    help="Context of your kubeconfig, or of Docker; default: the current one.",
)
@click.option(
    "--host", metavar="URL", help="Docker's daemon, e.g. ssh://user@machine; default: local."
)
@project.json_option
def VERB(
    system: str | None,
    environment: str | None,
    context: str | None,
    host: str | None,
    *,
    as_json: bool,
) -> None:
    """List the objects of SYSTEM's environment that are missing or differ in a cluster, by field.

    Objects are only read, with one request per kind. Only rendered fields are compared; fields that
    other programs added are ignored. Objects with Tarmac's labels that are no longer rendered are
    listed too. Exit code 1 if anything differs.

    `tarmac deploy` corrects differences; --prune also deletes objects that are no longer rendered.
    A list item that another program added stays until that program removes it.

    With Compose (`target: compose`) containers are compared: image, configuration, labels, state,
    networks.

    Example: tarmac drift hello-dd --env kind
    """
    from tarmac.cli.parts import deploy, deploy_compose
    from tarmac.render import in_memory

    file = project.find(system)
    with waiting("rendering"):
        made = in_memory.make(file, environment, ())
    if made.plan.settings.target == "compose":
        sys.exit(deploy_compose.drift(file, made, host, context, as_json=as_json))
    sys.exit(deploy.drift(made, host, context, as_json=as_json))
