"""`tarmac teardown`: the script that removes an environment from AWS."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tarmac.cli import _project

SECTION = "Deliver"


@click.command("teardown", short_help="Print the script that removes an environment.")
@click.argument("system", required=False)
@click.option("--env", "environment", metavar="ENV", help="Required if the model has several.")
@click.option("--with-data", is_flag=True, help="Accept that what has data is destroyed.")
@_project.file_option("--out", "out", "Write the script there, executable, instead of printing it.")
@_project.json_option
def VERB(
    system: str | None, environment: str | None, out: Path | None, *, with_data: bool, as_json: bool
) -> None:
    """Print the script that removes SYSTEM's environment from AWS; run nothing.

    Its steps are in the order in which they work: what makes objects again, workloads, load
    balancers and disks that controllers made, Terraform's resources, the bucket of the state.
    Terraform shows what it destroys and asks.

    Exit code 1, and no script, if something has data - databases, disks, buckets, snapshots - and
    --with-data is not given; each is listed.

    Example: tarmac teardown shop --env staging --with-data --out teardown.sh
    """
    from tarmac.cli import _teardown

    file = _project.find(system)
    sys.exit(_teardown.teardown(file, environment, out, with_data=with_data, as_json=as_json))
