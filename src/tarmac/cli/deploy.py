"""`tarmac deploy`: put an environment into a cluster or onto a machine; wait until it runs."""

from __future__ import annotations

import sys

import click

from tarmac.cli.output.waiting import waiting
from tarmac.cli.parts import project

SECTION = "Deliver"


@click.command(
    "deploy", short_help="Apply an environment to a cluster or a machine; wait until it runs."
)
@click.argument("system", required=False)
@click.option("--env", "environment", metavar="ENV", help="Required if the model has several.")
@click.option(
    "--context",
    metavar="NAME",
    help="Context of your kubeconfig, or of Docker; default: the current one.",
)
@click.option(
    "--host",
    metavar="URL",
    help="Docker's daemon, e.g. ssh://user@machine; default: the local one.",
)
@click.option("--plan", "only_plan", is_flag=True, help="Show the changes; apply nothing.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    default=300,
    show_default=True,
    help="How long to wait for each wave; with Compose for all of it.",
)
@click.option(
    "--rollback-on-failure/--no-rollback",
    "rolls_back",
    default=None,
    help="Apply the last release that became ready again if this one does not; with Compose the "
    "default.",
)
@click.option(
    "--prune",
    is_flag=True,
    help="Delete objects of earlier deployments that are no longer rendered.",
)
@click.option(
    "--no-build", "no_build", is_flag=True, help="With Compose: take the images that are there."
)
@click.option("--yes", is_flag=True, help="Do not ask before deleting or replacing.")
@project.json_option
def VERB(
    system: str | None,
    environment: str | None,
    context: str | None,
    host: str | None,
    timeout: float,
    rolls_back: bool | None,
    *,
    only_plan: bool,
    prune: bool,
    no_build: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Apply the rendered files of SYSTEM's environment to a cluster, or to one machine with Docker
    Compose, and wait until all is ready.

    The objects are those of `tarmac render`, with your patches and ejected files. A dry run on the
    API server comes first; if the server rejects an object, nothing is applied. The objects are
    then applied in waves: the namespace, settings, stores, set-up, migrations, tasks, services and
    the rest; each wave is ready before the next one begins. If a wave does not become ready, the
    causes are printed, with exit code 1.

    kubectl reaches the cluster, with your kubeconfig.

    With Compose (`target: compose`) images are built or pulled, and Docker starts containers in
    the order of the edges. If one does not become healthy, the causes are printed and the release
    before runs again.

    Example: tarmac deploy hello-dd --env kind
    """
    from tarmac.cli.parts import deploy, deploy_compose
    from tarmac.render import in_memory

    request = deploy.Request(
        context,
        host,
        timeout_s=timeout,
        only_plan=only_plan,
        rolls_back=rolls_back,
        prunes=prune,
        builds=not no_build,
        asks=not yes,
        as_json=as_json,
    )
    file = project.find(system)
    with waiting("rendering"):
        rendered = in_memory.make(file, environment, ())
    if rendered.plan.settings.target == "compose":
        sys.exit(deploy_compose.deploy(file, rendered, request))
    sys.exit(deploy.deploy(rendered, request))
