"""`tarmac drill`: apply load, inject faults, report a verdict."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import click

from tarmac.base.errors import BadInput, Problem
from tarmac.cli.output import terminal
from tarmac.cli.parts import project

EXIT = {"PASS": 0, "FAIL": 1, "INVALID": 4}

SECTION = "Drill"


@click.command("drill", short_help="Inject faults under load, and judge.")
@click.argument("named", metavar="[SYSTEM] [NAME]", nargs=-1, callback=project.system_and_name)
@click.option("--list", "lists", is_flag=True, help="List the system's drills.")
@click.option("--explain", "explains", is_flag=True, help="Explain what NAME does; run nothing.")
@click.option(
    "--quick",
    "is_quick",
    is_flag=True,
    help="Without a drill file: kill each service and store, delay each edge.",
)
@click.option(
    "--replay",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    metavar="JOURNAL",
    help="Repeat the drill of a journal, with the same draw, and compare.",
)
@click.option(
    "--namespace",
    "-n",
    callback=lambda ctx, param, value: value and project.valid_namespace(ctx, param, value),
    help="Drill the running copy instead of a new one.",
)
@project.target_options
@click.option(
    "--url",
    "urls",
    multiple=True,
    metavar="SERVICE=URL",
    help="With --target cluster or compose: the public URL of SERVICE; default: its public host.",
)
@project.file_option(
    "--journal", "journal", "Write the journal to this file; default: beside the data."
)
@project.file_option("--junit", "junit_file", "Also write the results as JUnit XML, for CI.")
@project.file_option("--report", "report_file", "Write a report as one HTML file.")
@click.option(
    "--export",
    "tool",
    metavar="TOOL",
    help="Print NAME's faults for chaos-mesh, litmus or fis, or its load for k6 or locust.",
)
@click.option(
    "--schedule",
    "cron",
    metavar="CRON",
    help="Print a GitHub workflow that runs NAME on this cron schedule.",
)
@project.json_option
def VERB(
    named: tuple[str | None, str | None],
    replay: Path | None,
    namespace: str | None,
    target: str,
    context: str | None,
    host: str | None,
    urls: tuple[str, ...],
    journal: Path | None,
    junit_file: Path | None,
    report_file: Path | None,
    tool: str | None,
    cron: str | None,
    environment: str | None,
    *,
    lists: bool,
    explains: bool,
    is_quick: bool,
    as_json: bool,
) -> None:
    """Run the drill NAME of SYSTEM: apply load, inject faults, report whether objectives held.

    NAME is a file `drills/NAME.yaml` beside the system's file, or the path of one. The drill starts
    a copy of the system and deletes it afterwards; with --target cluster it uses the objects that
    `tarmac deploy` applied. Faults are always undone, even after an error.

    Exit code 0 for the expected verdict (PASS, or the file's `expect: FAIL`), 1 for the other
    verdict, 4 for INVALID: the drill proves nothing. The result is evidence for checklist items
    that name the drill. Needs the package's extra `drill`: pip install 'tarmac[drill]'.

    Example: tarmac drill shop orders-db-kill
    """
    from tarmac.cli.output import drill_result, printing, quick
    from tarmac.drill import evidence_of_run, explain, exporting, read_drill, schedule, session
    from tarmac.drill.drill import outcome
    from tarmac.drill.file import drill_file
    from tarmac.project.reading import load
    from tarmac.run.opening import DEPLOYED, Place

    if as_json and (tool or cron):
        raise click.UsageError("--export and --schedule print another tool's file; omit --json")
    system, name = named
    file = project.find(system)
    loaded = load(str(file))
    say = (lambda line: click.echo(line, err=True)) if as_json else click.echo
    place = Place(target, namespace or session.NEW_COPY, context, environment, host)
    if urls:
        place.only(DEPLOYED, "--url", "needs --target cluster or compose")
    if is_quick:
        sys.exit(EXIT[quick.run(loaded, file, say, place, journal, as_json=as_json)])
    if lists or (name is None and replay is None):
        paths = drill_file.drills_of(loaded)
        titles = {path.stem: drill_file.load(path, loaded).title for path in paths}
        drill_result.show_list("drills", titles, as_json=as_json)
        return
    drill = (
        read_drill.of_journal(loaded, replay)
        if replay is not None
        else read_drill.read(loaded, drill_file.find(loaded, name or ""))
    )
    if tool is not None:
        recorded = Place(namespace=place.namespace)
        to_stderr = functools.partial(click.echo, err=True)
        text = exporting.text(loaded, file, drill, tool, environment, recorded, to_stderr)
        terminal.print_document(text)
        return
    if cron is not None:
        name = system or loaded.file.system
        terminal.print_document(schedule.workflow(name, drill.path.stem, cron))
        return
    if drill.kind.destroys and namespace is not None:
        what = f"kind '{drill.kind.id}' deletes data and runs on a copy of its own; leave it out"
        raise BadInput([Problem(f"--namespace {namespace}", what)])
    if explains:
        lines = list(explain.sentences(drill.file, drill.kind, drill.gaps))
        drill_result.show_explained({drill.path.stem: lines}, as_json=as_json)
        return
    result, written = session.carry_out(loaded, file, drill, say, place, _read(urls))
    journal = journal or drill_result.journal_of(file, drill, is_again=replay is not None)
    drill_result.write(written, journal, junit_file, report_file)
    if replay is None:
        evidence_of_run.write(loaded, file, drill, written, say)
    if as_json:
        terminal.print_json(written)
    else:
        drill_result.show(printing.open_console(), result, drill.file.expect)
        drill_result.show_beside(printing.open_console(), replay, written)
        click.echo(f"journal: {project.shown(journal)}")
    sys.exit(EXIT[outcome(result.verdict, drill.file.expect)])


def _read(urls: tuple[str, ...]) -> dict[str, str]:
    """Read `SERVICE=URL`. Raises BadInput."""
    if wrong := [one for one in urls if "://" not in one.partition("=")[2]]:
        what = "is not SERVICE=URL, e.g. web=https://shop.example.com"
        raise BadInput([Problem("--url", f"'{one}' {what}") for one in wrong])
    return {name: url.rstrip("/") for name, _, url in (one.partition("=") for one in urls)}
