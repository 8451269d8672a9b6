"""`tarmac cost`: what an environment costs a month, before it is there."""

from __future__ import annotations

import sys

import click

from tarmac.cli import _project


@click.command("cost", short_help="Estimate what an environment costs.")
@click.argument("system", required=False)
@click.option("--env", "environment", metavar="ENV", help="Required if the model has several.")
@click.option(
    "--budget", type=click.FloatRange(min=0), metavar="USD", help="Fail above so much a month."
)
@_project.json_option
def VERB(
    system: str | None, environment: str | None, *, budget: float | None, as_json: bool
) -> None:
    """Estimate what SYSTEM's environment costs in AWS, from the model alone.

    Node groups, servers and disks have the sizes that Terraform makes them of; the cost of nodes is
    divided among services by what their pods request, and what no pod requests is idle. Traffic,
    requests to storage, logs and support are not counted.

    Exit code 1 if it is more than --budget.

    Example: tarmac cost shop --env production --budget 1500
    """
    from tarmac.cli import _cost

    sys.exit(_cost.cost(_project.find(system), environment, budget, as_json=as_json))
