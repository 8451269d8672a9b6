"""`tarmac logs`: what the processes of a system printed."""

from __future__ import annotations

import json

import click

from tarmac.cli import _project
from tarmac.errors import BadInput, Problem, did_you_mean


@click.command("logs", short_help="Show or follow the logs, merged by time.")
@click.argument("names", metavar="[SYSTEM] [NAMES]...", nargs=-1)
@_project.namespace_option
@click.option("--follow", "-f", is_flag=True, help="Go on as lines come.")
@click.option(
    "--last",
    "-l",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="Lines of each to begin with.",
)
@_project.json_option
def VERB(
    names: tuple[str, ...],
    namespace: str,
    *,
    follow: bool,
    last: int,
    as_json: bool,
) -> None:
    """Show the logs of SYSTEM, or of some of its processes by NAMES, merged by time.

    With --json, one object a line.

    Example: tarmac logs shop order-service -f
    """
    from tarmac.cli import _follow, _show

    system, names = _project.split_names(names)
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
    tails = [_follow.Tail(home.logs / f"{name}.log", last=last) for name in chosen]
    console = _show.open_console()
    width = max(map(len, chosen))
    try:
        for line in _follow.follow(tails) if follow else _follow.merged(tails):
            if as_json:
                click.echo(json.dumps({"at": line[0], "name": line[1], "text": line[2]}))
            else:
                console.print(_follow.written(line, width), soft_wrap=True)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
