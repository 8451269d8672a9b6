"""`tarmac deploy`: put an environment's objects into a cluster, and wait until they run."""

from __future__ import annotations

import sys

import click

from tarmac.cli import _project

SECTION = "Deliver"


@click.command("deploy", short_help="Apply an environment to a cluster; wait until it runs.")
@click.argument("system", required=False)
@click.option("--env", "environment", metavar="ENV", help="Required if the model has several.")
@click.option(
    "--context", metavar="NAME", help="Context of your kubeconfig; default: the current one."
)
@click.option("--plan", "only_plan", is_flag=True, help="Show the changes; apply nothing.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=300,
    show_default=True,
    help="Seconds to wait for each wave.",
)
@click.option(
    "--rollback-on-failure",
    is_flag=True,
    help="Apply the last release that became ready again if this one does not.",
)
@click.option(
    "--prune",
    is_flag=True,
    help="Delete objects of earlier deployments that are no longer rendered.",
)
@click.option("--yes", is_flag=True, help="Do not ask before deleting.")
@_project.json_option
def VERB(
    system: str | None,
    environment: str | None,
    context: str | None,
    timeout: float,
    *,
    only_plan: bool,
    rollback_on_failure: bool,
    prune: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Apply the rendered objects of SYSTEM's environment to a cluster, and wait until they are
    ready.

    The objects are those of `tarmac render`, with your patches and ejected files. A dry run on the
    API server comes first; if the server rejects an object, nothing is applied. The objects are
    then applied in waves: the namespace, settings, stores, set-up, migrations, tasks, services and
    the rest; each wave is ready before the next one begins. If a wave does not become ready, the
    causes are printed, with exit code 1.

    kubectl reaches the cluster, with your kubeconfig.

    Example: tarmac deploy hello-dd --env kind
    """
    from tarmac.cli import _deploy

    request = _deploy.Request(
        context,
        timeout_s=timeout,
        only_plan=only_plan,
        rolls_back=rollback_on_failure,
        prunes=prune,
        asks=not yes,
        as_json=as_json,
    )
    sys.exit(_deploy.deploy(_project.find(system), environment, request))
