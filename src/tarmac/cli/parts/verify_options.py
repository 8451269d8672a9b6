"""Options of `verify` about its target and about files, and what prints its report."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tarmac.base.errors import BadInput, Problem
from tarmac.base.report import SEVERITIES
from tarmac.cli.output import terminal

if TYPE_CHECKING:
    from tarmac.base.report import Finding, Report

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
        type=click.Path(exists=True, path_type=Path, allow_dash=True),
        help="Check a folder or files (`-`: standard input) that no model rendered.",
    )(function)


def output_options(function: F) -> F:
    """Add --debug, --verbose, --format and --fail-on."""
    function = click.option(
        "--fail-on",
        type=click.Choice(SEVERITIES),
        default="error",
        show_default=True,
        help="Exit with 1 on findings of this severity, and on graver ones.",
    )(function)
    function = click.option(
        "-v",
        "--verbose",
        is_flag=True,
        help="Also list each gate and what it judged, and the proofs of each checklist item.",
    )(function)
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


def split(given: tuple[str, ...], files: Path | None) -> tuple[str | None, list[Path]]:
    """Tell the system from further files, which a shell makes of `--files *.yaml`."""
    paths = [] if files is None else [files]
    more: list[str] = []
    if files is not None and not files.is_dir():
        more = [one for one in given if one == "-" or Path(one).is_file()]
    systems = [one for one in given if one not in more]
    if systems[1:]:
        raise click.UsageError(f"Got unexpected extra argument ({' '.join(systems[1:])})")
    return next(iter(systems), None), [*paths, *map(Path, more)]


@contextlib.contextmanager
def named_files(given: Sequence[Path]) -> Iterator[tuple[Path | None, tuple[Path, ...], str]]:
    """Give the folder of files and folders, the files of it that are meant, and a prefix to hide.

    One folder means all that is in it; `-` is a file of YAML that is read from standard input.
    """
    if not given or (len(given) == 1 and given[0].is_dir()):
        yield (given[0] if given else None), (), ""
        return
    from tarmac.check.verify.folder import paths_of

    with contextlib.ExitStack() as stack:
        hidden = ""
        only: list[Path] = []
        for path in given:
            if str(path) == "-":
                hidden = stack.enter_context(tempfile.TemporaryDirectory(prefix="tarmac-"))
                own = Path(hidden, "stdin.yaml")
                own.write_bytes(sys.stdin.buffer.read())
                only.append(own)
            elif path.is_dir():
                only += paths_of(path)
            elif path.exists():
                only.append(path)
            else:
                raise BadInput([Problem(str(path), "does not exist; correct the path")])
        folder = os.path.commonpath([str(path.parent) for path in only] or ["."])
        yield Path(folder), tuple(dict.fromkeys(only)), f"{hidden}/" if hidden else ""


def without(report: Report, prefix: str) -> Report:
    """Leave the folder of standard input out of a report."""
    if not prefix:
        return report
    results = [
        replace(one, findings=tuple(_without(found, prefix) for found in one.findings))
        for one in report.results
    ]
    remarks = [_without(found, prefix) for found in report.remarks]
    system = report.system.replace(prefix, "")
    return replace(report, system=system, results=tuple(results), remarks=tuple(remarks))


def _without(finding: Finding, prefix: str) -> Finding:
    where, what = finding.where.replace(prefix, ""), finding.what.replace(prefix, "")
    return replace(finding, where=where, what=what)


def check_target(target: str, context: str | None) -> None:
    """Refuse the context of a cluster where none is asked."""
    if context is not None and target != "cluster":
        raise BadInput([Problem("--context", "needs a cluster; add --target cluster")])


def check_fix(files: Path | None, *, prints: bool) -> None:
    """Refuse a correction of rendered files, and JSON that would stand beside a patch."""
    if files is None:
        what = "--fix and --diff need --files DIR; correct rendered files in the model"
        raise click.UsageError(what)
    if prints:
        raise click.UsageError("--diff prints a patch; omit --json")


def fix(report: Report, verify: Callable[[], Report], *, write: bool) -> Report:
    """Show the patch of a report's findings, apply it, and judge again.

    Without `write` nothing is changed, and the command ends here: with 1 if something would be.
    """
    from tarmac.check.verify import fixes

    patches = list(fixes.patches(report.findings))
    for patch in patches:
        terminal.print_document(patch.diff(), err=write)
    if not write:
        sys.exit(1 if patches else 0)
    for patch in patches:
        fixes.apply(patch)
    where = ", ".join(f"{patch.path} ({patch.number})" for patch in patches)
    click.echo(f"corrected: {where or 'nothing'}", err=True)
    return verify() if patches else report


def print_report(
    report: Report, written: str, fail_on: str, *, debug: bool, strict: bool, verbose: bool
) -> None:
    """Print a report in a format, and end with its exit code; text is brief by default."""
    if written == "text" and not verbose:
        written = "brief"
    reporter = importlib.import_module(f"tarmac.check.reporting.as_{written}")
    if written in ("text", "brief"):
        click.echo(reporter.write(report), nl=False)
    else:
        terminal.print_document(reporter.write(report))
    for result in report.results if debug else ():
        click.echo(result.traceback, nl=False, err=True)
    sys.exit(0 if report.passed(strict=strict) and not report.has_any(fail_on) else 1)
