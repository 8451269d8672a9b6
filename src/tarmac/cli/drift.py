"""`tarmac drift`: how what runs in a cluster differs from what is rendered."""

from __future__ import annotations

import sys

import click

from tarmac.cli import _project

SECTION = "Deliver"


@click.command("drift", short_help="Compare what is in a cluster with what is rendered.")
@click.argument("system", required=False)
@click.option("--env", "environment", metavar="ENV", help="Required if the model has several.")
@click.option("--context", metavar="NAME", help="Of your kubeconfig; default: the current one.")
@_project.json_option
def VERB(
    system: str | None, environment: str | None, context: str | None, *, as_json: bool
) -> None:
    """List the objects of SYSTEM's environment that are missing or differ in a cluster, by field.

    Objects are only read, with one request for each kind. What is rendered is compared; fields that
    others have added are theirs. Objects with Tarmac's labels that nothing renders are listed too.
    Exit code 1 if anything differs.

    `tarmac deploy` corrects it, with --prune for what nothing renders; an item that others have
    added to a list stays until they remove it.

    Example: tarmac drift hello-dd --env kind
    """
    from tarmac.cli import _deploy

    sys.exit(_deploy.drift(_project.find(system), environment, context, as_json=as_json))
