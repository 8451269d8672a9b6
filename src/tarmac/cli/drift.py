"""`tarmac drift`: how what runs in a cluster differs from what is rendered."""

from __future__ import annotations

import sys

import click

from tarmac.cli import _project

SECTION = "Deliver"


@click.command("drift", short_help="Compare the objects in a cluster with the rendered ones.")
@click.argument("system", required=False)
@click.option("--env", "environment", metavar="ENV", help="Required if the model has several.")
@click.option(
    "--context", metavar="NAME", help="Context of your kubeconfig; default: the current one."
)
@_project.json_option
def VERB(
    system: str | None, environment: str | None, context: str | None, *, as_json: bool
) -> None:
    """List the objects of SYSTEM's environment that are missing or differ in a cluster, by field.

    Objects are only read, with one request per kind. Only rendered fields are compared; fields that
    other programs added are ignored. Objects with Tarmac's labels that are no longer rendered are
    listed too. Exit code 1 if anything differs.

    `tarmac deploy` corrects differences; --prune also deletes objects that are no longer rendered.
    A list item that another program added stays until that program removes it.

    Example: tarmac drift hello-dd --env kind
    """
    from tarmac.cli import _deploy

    sys.exit(_deploy.drift(_project.find(system), environment, context, as_json=as_json))
