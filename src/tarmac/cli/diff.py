"""`tarmac diff`: what a change of the model means for what runs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tarmac.cli.output import terminal
from tarmac.cli.output.waiting import waiting
from tarmac.cli.parts import project

RISKS = ("low", "medium", "high")

SECTION = "Change"


@click.command("diff", short_help="Show what changes between two revisions, grouped by risk.")
@click.argument("base")
@click.argument("head", required=False)
@click.option("--system", metavar="SYSTEM", help="Only this system.")
@click.option("--env", "environment", metavar="ENV", help="Only this environment.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if anything differs.")
@click.option(
    "--fail-on",
    type=click.Choice(RISKS),
    help="Exit with 1 if anything of at least this risk differs.",
)
@project.json_option
def VERB(
    base: str,
    head: str | None,
    system: str | None,
    environment: str | None,
    *,
    exit_code: bool,
    fail_on: str | None,
    as_json: bool,
) -> None:
    """Show how the rendered files of BASE and HEAD differ, as Markdown for a pull request.

    BASE and HEAD are git revisions or folders; without HEAD, the working tree. Every system and
    environment of both is planned and rendered in memory: nothing is checked out or written, and no
    cluster is queried. The same change in many places is one line. High risk: more is reachable,
    fewer replicas are left, or data may be lost. For environments in AWS the cost difference is
    shown.

    Example: tarmac diff main --env production
    """
    from tarmac import render
    from tarmac.base import registry
    from tarmac.catalog import stores
    from tarmac.change.compare.change import Risk, as_data
    from tarmac.change.compare.comparing import compare
    from tarmac.change.compare.markdown import markdown
    from tarmac.change.compare.revisions import sources
    from tarmac.change.cost.estimate import month
    from tarmac.render.collect import artifacts, saying

    renderers = saying(registry.load(render, "RENDERER"))
    with sources(base, head, Path.cwd()) as sides, waiting("comparing"):
        found = compare(
            *sides,
            kinds=registry.load(stores, "STORE"),
            render=lambda plan: artifacts(plan, renderers),
            price=month,
            system=system,
            environment=environment,
        )
    if as_json:
        terminal.print_json(as_data(found))
    else:
        terminal.print_document(markdown(found))
    worst = max((change.told.risk for change in found.changes), default=None)
    limit = Risk.LOW if exit_code else Risk[fail_on.upper()] if fail_on else None
    sys.exit(1 if worst is not None and limit is not None and worst >= limit else 0)
