"""`tarmac logs`: the output of the processes of a system."""

from __future__ import annotations

import json

import click

from tarmac.cli import _project


def _trace_id(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not value:
        return ""
    from tarmac.run.telemetry import queries

    try:
        return queries.id_prefix(value)
    except ValueError as error:
        raise click.BadParameter(f"'{value}' {error}", ctx, param) from None


SECTION = "See"


@click.command("logs", short_help="Show or follow the logs, merged by time.")
@click.argument("names", metavar="[SYSTEM] [NAMES]...", nargs=-1)
@_project.namespace_option
@click.option("--follow", "-f", is_flag=True, help="Follow: print new lines as they come.")
@click.option(
    "--last",
    "-l",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="Number of past lines of each process.",
)
@click.option(
    "--trace",
    default="",
    metavar="ID",
    callback=_trace_id,
    help="Only lines of the trace whose id begins with ID, however old they are.",
)
@_project.target_options
@_project.json_option
def VERB(
    names: tuple[str, ...],
    namespace: str,
    target: str,
    context: str | None,
    environment: str | None,
    *,
    follow: bool,
    last: int,
    trace: str,
    as_json: bool,
) -> None:
    """Show the logs of SYSTEM, or of the processes NAMES, merged by time.

    With --json, one object per line. In a cluster: the logs of the current pods.

    Example: tarmac logs shop order-service -f
    """
    from tarmac.cli import _follow, _show
    from tarmac.run.opening import LOCAL, Place, opened

    system, names = _project.split_names(names)
    place = Place(target, namespace, context, environment)
    if trace:
        place.only(LOCAL, "--trace", "log lines of a cluster are not stored; omit it")
    console = _show.open_console()
    try:
        with opened(place, _project.find(system)) as running:
            found = running.logs(names, last=last, follow=follow, trace=trace)
            width = found.width
            for line in found.lines:
                width = max(width, len(line.name))
                if as_json:
                    click.echo(json.dumps(line._asdict()))
                else:
                    console.print(_follow.written(line, width), soft_wrap=True)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
