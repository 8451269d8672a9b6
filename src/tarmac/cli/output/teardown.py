"""Prints what removes an environment, or what of it has data; used by the verb `teardown`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from tarmac.base import writing
from tarmac.base.errors import BadInput, Problem
from tarmac.cli.output import terminal
from tarmac.cli.parts import project
from tarmac.render import in_memory
from tarmac.render.infrastructure.parts.teardown import held_data, script

FOLDER = "infrastructure"
EXECUTABLE = 0o755


def teardown(
    file: Path, environment: str | None, out: Path | None, *, with_data: bool, as_json: bool
) -> int:
    """Print the script, or why there is none; returns the exit code.

    Raises:
        BadInput: nothing was made for the environment, or Pulumi made it.
    """
    plan = in_memory.planned(file, environment)
    if plan.cloud is None:
        what = "has no `infrastructure:`, so Terraform created nothing for it; in its cluster"
        how = f"`kubectl delete namespace {plan.namespace}` removes it"
        if plan.settings.target == "compose":
            what = "runs on one machine;"
            how = f"`tarmac down {plan.system} --target compose --env {plan.environment}` ends it"
        if first := plan.settings.standby_of:
            what = f"is made with {first}, whose script removes both regions;"
            how = f"`tarmac teardown {plan.system} --env {first}` prints it"
        raise BadInput([Problem(f"{file}: environments.{plan.environment}", f"{what} {how}")])
    if plan.cloud.by == "pulumi":
        what = "is created by Pulumi, but the script runs Terraform; delete the namespace, then"
        how = "write `protected: false`, render, and in infrastructure/pulumi `pulumi up --yes`, "
        raise BadInput(
            [Problem(f"{file}: environments.{plan.environment}", f"{what} {how}`pulumi destroy`")]
        )
    held = list(held_data(plan, plan.cloud))
    refused = bool(held) and not with_data
    folder = file.parent / "deploy" / plan.environment / FOLDER
    text = None if refused else script(plan, plan.cloud, folder.as_posix())
    if text is not None and out is not None:
        writing.write_file(out, text, mode=EXECUTABLE)
    if as_json:
        said = {"system": plan.system, "environment": plan.environment, "script": text}
        terminal.print_json({**said, "data": [asdict(one) for one in held]})
    elif text is None:
        name = f"{plan.system} {plan.environment}"
        click.echo(f"{name}: has data; add --with-data to remove it:", err=True)
        for one in held:
            click.echo(f"  {one.what}: {one.holds}", err=True)
    elif out is None:
        terminal.print_document(text)
    else:
        click.echo(f"{project.shown(out)}: read it, then: bash {project.shown(out)}")
    return int(refused)
