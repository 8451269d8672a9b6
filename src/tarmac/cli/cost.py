"""`tarmac cost`: what an environment costs a month, before it is there."""

from __future__ import annotations

import sys

import click

from tarmac.cli import _project

SECTION = "Change"


@click.command("cost", short_help="Estimate what an environment costs.")
@click.argument("system", required=False)
@click.option("--env", "environment", metavar="ENV", help="Required if the model has several.")
@click.option(
    "--budget", type=click.FloatRange(min=0), metavar="USD", help="Fail above so much a month."
)
@click.option(
    "--measure",
    "measure_s",
    type=click.FloatRange(0.1, 3600),
    metavar="SECONDS",
    help="Measure the running copy for so long, and advise what pods should request.",
)
@_project.namespace_option
@_project.json_option
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

    Node groups, servers and disks have the sizes that Terraform makes them of; the cost of nodes is
    divided among services by what their pods request, and what no pod requests is idle. Traffic,
    requests to storage, logs and support are not counted.

    With --measure the services of the copy that runs here are measured, under the load that they
    have: what each requests beside what it uses, what it should request, what that saves.

    Exit code 1 if it is more than --budget.

    Example: tarmac cost shop --env production --budget 1500
    """
    from tarmac.cli import _cost

    file = _project.find(system)
    used = None
    if measure_s is not None:
        used = _cost.measured(_project.running_home(system, namespace), measure_s)
    sys.exit(_cost.cost(file, environment, budget, used, as_json=as_json))
