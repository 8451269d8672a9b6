"""`tarmac teardown`: the script that removes an environment from AWS."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tarmac.cli.parts import project

SECTION = "Deliver"


@click.command("teardown", short_help="Print the script that removes an environment.")
@click.argument("system", required=False)
@click.option("--env", "environment", metavar="ENV", help="Required if the model has several.")
@click.option(
    "--with-data", is_flag=True, help="Accept that databases, buckets and disks are destroyed."
)
@project.file_option(
    "--out", "out", "Write the script to this file, executable, instead of printing it."
)
@project.json_option
def VERB(
    system: str | None, environment: str | None, out: Path | None, *, with_data: bool, as_json: bool
) -> None:
    """Print the script that removes SYSTEM's environment from AWS; run nothing.

    The script removes in this order: controllers that recreate objects, workloads, load balancers
    and disks that controllers created, Terraform's resources, the bucket of the state. Terraform
    lists the resources that it destroys and asks for confirmation.

    Without --with-data, if resources hold data (databases, disks, buckets, snapshots), they are
    listed and no script is printed, with exit code 1.

    Example: tarmac teardown shop --env staging --with-data --out teardown.sh
    """
    from tarmac.cli.output import teardown

    file = project.find(system)
    sys.exit(teardown.teardown(file, environment, out, with_data=with_data, as_json=as_json))
