"""`tarmac report`: documents for a lead, made from gates, drills, tests and dates."""

from __future__ import annotations

import pkgutil
from datetime import UTC, datetime
from pathlib import Path

import click

from tarmac import reports
from tarmac.cli.output import terminal
from tarmac.cli.output.waiting import waiting
from tarmac.cli.parts import project

#: Each kind is a file of its name; only the one that is asked for is imported.
KINDS = sorted({info.name for info in pkgutil.iter_modules(reports.__path__)} - {*reports.SHARED})
SECTION = "Check"
OWNER = "verify"


@click.command("report", short_help="Write a report with evidence, for a team lead.")
@click.argument("system", required=False)
@click.option(
    "--kind",
    metavar="KIND",
    help=f"One of {', '.join(KINDS)}.",
)
@click.option(
    "--env", "environment", metavar="ENV", help="The environment; default: the last one in a cloud."
)
@click.option(
    "--format",
    "written",
    type=click.Choice(("md", "html")),
    default="md",
    show_default=True,
    help="md: Markdown; html: one file with its plots, which loads nothing.",
)
@project.file_option("--output", "output", "Write it to a file instead of printing it.")
@click.option(
    "--junit",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Read test results from pytest's --junitxml file.",
)
@click.option(
    "--date",
    type=click.DateTime(("%Y-%m-%d",)),
    metavar="YYYY-MM-DD",
    help="Use this date instead of today.",
)
@project.json_option
def VERB(
    system: str | None,
    kind: str | None,
    environment: str | None,
    written: str,
    output: Path | None,
    junit: tuple[Path, ...],
    date: datetime | None,
    *,
    as_json: bool,
) -> None:
    """Write a report on SYSTEM's environment from the results of gates, tests, drills and people.

    Each claim names its proof with its date, level and target; a claim without proof names the
    command that would prove it. Skipped and not applicable results never count as passed. Exit code
    0 means that the report is written, not that the system is ready: use `verify --ready` for that.

    Roles, cut-over weeks, cost decisions and accepted risks come from reports.yaml beside the
    system's file.

    Example: tarmac report trading --kind readiness --env production
    """
    from tarmac.cli.output import report

    if kind is None:
        raise click.UsageError(f"say which report: --kind with one of {', '.join(KINDS)}")

    today = date.date() if date else datetime.now(UTC).date()
    file = project.find(system)
    form = "json" if as_json else written
    with waiting("gathering results"):
        text = report.text(kind, file, system, environment, today, junit, form)
    if output is None:
        terminal.print_document(text)
        return
    report.write(output, text)
    if as_json:
        terminal.print_json({"report": str(output)})
    else:
        click.echo(f"report: {project.shown(output)}")
