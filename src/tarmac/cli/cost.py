"""`tarmac cost`: what an environment costs a month, before it is there."""

from __future__ import annotations

import sys

import click

from tarmac.cli.parts import project

SECTION = "Change"


@click.command("cost", short_help="Estimate what an environment costs.")
@click.argument("system", required=False)
@click.option("--env", "environment", metavar="ENV", help="Required if the model has several.")
@click.option(
    "--budget",
    type=click.FloatRange(min=0),
    metavar="USD",
    help="Exit with 1 if a month costs more than this.",
)
@click.option(
    "--measure",
    "measure_s",
    type=click.FloatRange(0.1, 3600),
    metavar="SECONDS",
    help="Measure the running copy for this long; recommend requests for pods.",
)
@project.namespace_option
@project.json_option
def VERB(
    system: str | None,
    environment: str | None,
    *,
    budget: float | None,
    measure_s: float | None,
    namespace: str,
    as_json: bool,
) -> None:
    """Estimate what SYSTEM's environment costs in AWS, from the model alone.

    The sizes of node groups, servers and disks are those of the Terraform files. Services share the
    cost of nodes in proportion to their pods' requests; the rest is idle. Traffic, requests to
    storage, logs and support are not counted.

    With --measure the usage of the running services is compared with their requests; the output
    recommends requests and shows the savings.

    Exit code 1 if the cost exceeds --budget.

    Example: tarmac cost shop --env production --budget 1500
    """
    from tarmac.cli.output import cost

    file = project.find(system)
    used = None
    if measure_s is not None:
        used = cost.measured(project.running_home(system, namespace), measure_s)
    sys.exit(cost.cost(file, environment, budget, used, as_json=as_json))
