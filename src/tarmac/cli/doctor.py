"""`tarmac doctor`: whether this machine has what is needed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from tarmac.cli.output import terminal
from tarmac.cli.output.waiting import waiting
from tarmac.cli.parts import project

SECTION = "Check"


@click.command("doctor", short_help="Check this machine: tools, stores, ports, limits.")
@click.argument("system", required=False)
@click.option("--all", "everything", is_flag=True, help="Check every tool that Tarmac calls.")
@click.option(
    "--cloud",
    is_flag=True,
    help="Check the AWS login instead: the environment's account, region, output format.",
)
@click.option(
    "--env", "environment", metavar="ENV", help="With --cloud; required if the model has several."
)
@project.json_option
def VERB(
    system: str | None,
    environment: str | None,
    *,
    everything: bool,
    cloud: bool,
    as_json: bool,
) -> None:
    """Check whether this machine has what SYSTEM needs, or every tool that Tarmac calls.

    Without SYSTEM, the tarmac.yaml here is checked; without that file, or with --all, every tool is
    checked.

    Each line has the version found, the oldest accepted, what needs it and how to install it. Exit
    code 1 if something needed is missing or too old.

    With --cloud the login of the AWS CLI is checked: its account is that of the environment's
    registry, its region the environment's. `tarmac deploy` refuses another account, too. AWS is
    asked whether its regions have the types of nodes and servers, and whether buckets' names are
    free.

    Example: tarmac doctor shop --cloud --env production
    """
    from dataclasses import asdict

    from tarmac.project.reading import load
    from tarmac.run.kept import kept
    from tarmac.run.local.supervisor import checkup

    if environment and not cloud:
        raise click.UsageError("--env goes with --cloud; add it")
    with waiting("checking"):
        if cloud:
            checks = _of_cloud(project.find(system), environment)
        elif everything or (system is None and not project.is_here()):
            checks = checkup.of_everything()
        else:
            file = project.find(system)
            loaded = load(str(file))
            checks = [*checkup.of_system(loaded), *kept(file.parent)]
    good = not any(check.fails for check in checks)
    if as_json:
        terminal.print_json({"ok": good, "checks": [asdict(check) for check in checks]})
    else:
        _print(checks)
    sys.exit(0 if good else 1)


def _of_cloud(file: Path, environment: str | None) -> list[Any]:
    from tarmac.base.errors import BadInput, Problem
    from tarmac.render import in_memory
    from tarmac.run import aws_login, aws_offers

    plan = in_memory.planned(file, environment)
    needed = aws_login.wanted(plan)
    if needed is None:
        what = f"environment {plan.environment} is not in AWS (`cloud: aws` with a `region`)"
        raise BadInput([Problem(str(file), f"{what}; name another with --env")])
    found = aws_login.checks(needed)
    # Of another account an answer would say nothing.
    signed_in = not any(check.fails for check in found[:1])
    return [*found, *(aws_offers.checks(plan) if signed_in else ())]


def _print(checks: list[Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    from tarmac.cli.output import printing

    console = printing.open_console()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("WHAT", "FOUND", "NEEDED", "FOR", "STATE"):
        table.add_column(column, overflow="fold")
    for check in checks:
        style = "bold red" if check.fails else "green" if check.state == "ok" else "yellow"
        texts = (check.name, check.found, check.floor, check.feature)
        table.add_row(*map(Text, texts), Text(check.state, style))
    console.print(table)
    wanting = [check for check in checks if check.advice]
    if wanting:
        console.print()
    for check in wanting:
        printing.say(console, f"{check.name}: {check.advice}")
