"""`tarmac logs`: the output of the processes of a system."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from tarmac.cli.output import terminal
from tarmac.cli.parts import project


def _trace_id(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not value:
        return ""
    from tarmac.run.telemetry import queries

    try:
        return queries.id_prefix(value)
    except ValueError as error:
        raise click.BadParameter(f"'{value}' {error}", ctx, param) from None


def _moment(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not value:
        return ""
    from tarmac.run.telemetry import line_filter

    try:
        return line_filter.moment(value, datetime.now(UTC))
    except (ValueError, OverflowError):
        what = f"'{value}' is not a moment; write 10m, 2h or 2026-11-26T14:05"
        raise click.BadParameter(what, ctx, param) from None


SECTION = "See"


@click.command("logs", short_help="Show or follow the logs, merged by time.")
@click.argument("names", metavar="[SYSTEM] [NAMES]...", nargs=-1)
@project.namespace_option
@click.option("--follow", "-f", is_flag=True, help="Follow: print new lines as they come.")
@click.option(
    "--last",
    "-l",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="Number of past lines of each process; with a filter, all that pass it.",
)
@click.option(
    "--since", default="", metavar="MOMENT", callback=_moment, help="Only lines from then on."
)
@click.option("--until", default="", metavar="MOMENT", callback=_moment, help="Only lines before.")
@click.option("--grep", "text", default="", metavar="TEXT", help="Only lines with this text.")
@click.option(
    "--level",
    type=click.Choice(("debug", "info", "warning", "error", "critical")),
    default=None,
    help="Only lines of this level or above.",
)
@click.option(
    "--trace",
    default="",
    metavar="ID",
    callback=_trace_id,
    help="Only lines of the trace whose id begins with ID, however old they are.",
)
@project.target_options
@project.json_option
def VERB(
    names: tuple[str, ...],
    namespace: str,
    target: str,
    context: str | None,
    host: str | None,
    environment: str | None,
    *,
    follow: bool,
    last: int,
    since: str,
    until: str,
    text: str,
    level: str | None,
    trace: str,
    as_json: bool,
) -> None:
    """Show the logs of SYSTEM, or of the processes NAMES, merged by time.

    --since, --until, --grep and --level choose among all lines that are kept. A MOMENT is 10m, 2h
    or 3d ago, or a time like 2026-11-26T14:05, in UTC as the lines are shown.

    With --json, one object per line. In a cluster: the logs of the current pods.

    Example: tarmac logs shop order-service --since 10m --level error
    """
    from tarmac.cli.output import log_lines, printing
    from tarmac.run.opening import LOCAL, Place, opened
    from tarmac.run.telemetry.line_filter import LineFilter

    system, names = project.split_names(names)
    place = Place(target, namespace, context, environment, host)
    if trace:
        place.only((LOCAL,), "--trace", "log lines elsewhere are not stored; omit it")
    if follow and until:
        raise click.UsageError("--follow has no end, and --until is one; omit one of them")
    wanted = LineFilter(since, until, level or "", text)
    many = None if wanted.chooses else last
    console = printing.open_console()
    try:
        with opened(place, project.find(system)) as running:
            found = running.logs(names, last=many, follow=follow, trace=trace)
            width = found.width
            for line in filter(wanted.passes, found.lines):
                width = max(width, len(line.name))
                if as_json:
                    terminal.print_document(json.dumps(line._asdict()) + "\n")
                else:
                    console.print(log_lines.written(line, width), soft_wrap=True)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
