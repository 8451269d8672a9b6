"""`tarmac logs`: the output of the processes of a system."""

from __future__ import annotations

import contextlib
import json

import click

from tarmac.cli import _project
from tarmac.errors import BadInput, Problem, did_you_mean


def _trace_id(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not value:
        return ""
    from tarmac.telemetry import queries

    try:
        return queries.id_prefix(value)
    except ValueError as error:
        raise click.BadParameter(f"'{value}' {error}", ctx, param) from None


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
    """Show the logs of SYSTEM, or of some of its processes by NAMES, merged by time.

    With --json, one object per line. In a cluster: those of the pods that are there now.

    Example: tarmac logs shop order-service -f
    """
    from tarmac.cli import _cluster, _follow, _show
    from tarmac.telemetry import log_lines
    from tarmac.telemetry.log_records import RecordTail

    system, names = _project.split_names(names)
    place = _cluster.Place(target, context, environment)
    if place.is_cluster:
        if trace:
            raise BadInput([Problem("--trace", "lines of a cluster are not kept; leave it out")])
        with contextlib.suppress(KeyboardInterrupt), _cluster.opened(system, place) as running:
            _cluster.print_logs(running, names, last, follow=follow, as_json=as_json)
        return
    status = _project.status_of(system, namespace)
    home = _project.home_of(system, namespace)
    known = [node.name for node in status.nodes] + ["supervisor"]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadInput(
            [
                Problem(name, f"not part of {status.system}; {did_you_mean(name, known)}")
                for name in unknown
            ]
        )
    services = [node.name for node in status.nodes if node.role == "service"]
    chosen = names or services or known  # a system of stores alone has logs too
    tails: list[log_lines.LineSource] = [
        log_lines.Tail(home.logs / f"{name}.log", last=None if trace else last) for name in chosen
    ]
    sending = sorted({node.service for node in status.nodes if node.name in chosen})
    tails.append(RecordTail(home.telemetry, services=sending, last=last, trace=trace))
    console = _show.open_console()
    width = max(map(len, chosen))
    try:
        for line in _follow.follow(tails) if follow else log_lines.merged(tails):
            if trace and not log_lines.is_of_trace(line.text, trace):
                continue
            if as_json:
                click.echo(json.dumps(line._asdict()))
            else:
                console.print(_follow.written(line, width), soft_wrap=True)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
