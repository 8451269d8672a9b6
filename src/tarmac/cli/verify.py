"""`tarmac verify`: what is proven of a system, box by box."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from tarmac.cli import _project

FORMATS = ("text", "json", "junit", "sarif")


@click.command("verify", short_help="Say what is proven of a system, and how far.")
@_project.system_argument
@click.option("--env", "environment", metavar="ENV", help="One environment; all without.")
@click.option("--phase", metavar="PHASE", help="Only boxes and gates of this phase.")
@click.option(
    "--target",
    type=click.Choice(("tree", "local")),
    default="tree",
    show_default=True,
    help="local: measure the system that runs here, too.",
)
@click.option(
    "--tree",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Check this rendered tree as it stands, edits by hand included.",
)
@click.option(
    "--files",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Check the files of this folder, which no model made; with or without a SYSTEM.",
)
@click.option(
    "--junit",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Take what tests found from pytest's --junitxml file.",
)
@click.option("--ready", is_flag=True, help="Fail unless every box of the checklist passes.")
@click.option("--strict", is_flag=True, help="Fail on what was skipped or is stale, too.")
@click.option(
    "--format",
    "written",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How to print it.",
)
@click.option(
    "--date",
    type=click.DateTime(("%Y-%m-%d",)),
    metavar="YYYY-MM-DD",
    help="Judge for this day instead of today.",
)
@_project.json_option
def VERB(
    system: str | None,
    namespace: str,
    environment: str | None,
    phase: str | None,
    target: str,
    tree: Path | None,
    files: Path | None,
    junit: tuple[Path, ...],
    written: str,
    date: datetime | None,
    *,
    ready: bool,
    strict: bool,
    as_json: bool,
) -> None:
    """Check SYSTEM's environments by all gates, and join its checklist.yaml with the evidence.

    Nothing is started and no cluster is asked. A box passes when all its proofs do, and says how
    far they reach. Evidence is kept in .tarmac/evidence/. Exit code 1 if anything fails.

    With --ready it is the gate before a cut-over: a box that waits - for a run, a cloud, a later
    phase - fails as well, and what is open is told last, each with what closes it. What only people
    can see they write into the box, under `seen`.

    With --files a folder of YAML, Dockerfiles, Terraform and scripts is checked as it stands, by
    all gates that need no plan: `tarmac verify --files .`; a suppressions.yaml in it is read.

    Example: tarmac verify shop --env production --phase kubernetes
    """
    import importlib

    from tarmac.cli import _verify

    today = date.date() if date else datetime.now(UTC).date()
    report = _verify.verify(
        _verify.Asked(
            # A folder of files needs no model: that of the current folder is not meant by it.
            file=_project.find(system) if system or files is None else None,
            today=today,
            environment=environment,
            phase=phase,
            namespace=namespace if target == "local" else None,
            tree=tree,
            junit=junit,
            files=files,
            ready=ready,
        )
    )
    reporter = importlib.import_module(f"tarmac.reporting.as_{'json' if as_json else written}")
    click.echo(reporter.write(report), nl=False)
    sys.exit(0 if report.passed(strict=strict) else 1)
