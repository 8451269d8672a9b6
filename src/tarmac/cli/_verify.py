"""Options of `verify` about its target and about files, and what prints its report."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from tarmac.base.report import Report

F = TypeVar("F", bound=Callable[..., Any])
FORMATS = ("text", "json", "junit", "sarif", "github")


def target_options(function: F) -> F:
    """Add --target and --context."""
    function = click.option(
        "--context",
        metavar="NAME",
        help="With --target cluster: context of your kubeconfig; default: the current one.",
    )(function)
    return click.option(
        "--target",
        type=click.Choice(("tree", "local", "cluster")),
        default="tree",
        show_default=True,
        help="local: also measure the local system; cluster: also check the running objects.",
    )(function)


def files_options(function: F) -> F:
    """Add --files, --changed, --fix and --diff."""
    function = click.option(
        "--fix",
        is_flag=True,
        help="With --files: correct unambiguous errors; print the patch.",
    )(function)
    function = click.option(
        "--diff",
        is_flag=True,
        help="Print the changes of --fix without writing them; exit code 1 if there are any.",
    )(function)
    function = click.option(
        "--changed",
        metavar="BASE",
        help="With --files: report only findings in files that differ from this git revision.",
    )(function)
    return click.option(
        "--files",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Check files that were not rendered from a model; with or without a SYSTEM.",
    )(function)


def output_options(function: F) -> F:
    """Add --debug and --format."""
    function = click.option(
        "--format",
        "written",
        type=click.Choice(FORMATS),
        default="text",
        show_default=True,
        help="Output format.",
    )(function)
    return click.option(
        "--debug", is_flag=True, help="Print the traceback of a gate that failed on its own."
    )(function)


def fix(report: Report, verify: Callable[[], Report], *, write: bool) -> Report:
    """Show the patch of a report's findings, apply it, and judge again.

    Without `write` nothing is changed, and the command ends here: with 1 if something would be.
    """
    from tarmac.check.verify import fixes

    patches = list(fixes.patches(report.findings))
    for patch in patches:
        click.echo(patch.diff(), nl=False, err=write)
    if not write:
        sys.exit(1 if patches else 0)
    for patch in patches:
        fixes.apply(patch)
    where = ", ".join(f"{patch.path} ({patch.number})" for patch in patches)
    click.echo(f"corrected: {where or 'nothing'}", err=True)
    return verify() if patches else report


def print_report(report: Report, written: str, *, debug: bool, strict: bool) -> None:
    """Print a report in a format, and end with its exit code."""
    reporter = importlib.import_module(f"tarmac.check.reporting.as_{written}")
    click.echo(reporter.write(report), nl=False)
    for result in report.results if debug else ():
        click.echo(result.traceback, nl=False, err=True)
    sys.exit(0 if report.passed(strict=strict) else 1)
