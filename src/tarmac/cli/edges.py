"""`tarmac edges`: traffic of each declared edge, those never used, and undeclared connections."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from tarmac.cli import _project
from tarmac.errors import BadInput, Problem, TarmacError

if TYPE_CHECKING:
    from tarmac.cli._cluster import Place


@click.command(
    "edges", short_help="Show the traffic of each declared edge, and undeclared connections."
)
@_project.system_argument
@_project.target_options
@_project.json_option
@click.option(
    "--unused", is_flag=True, help="Show declared edges never used in this run; exit code 1 if any."
)
def VERB(
    system: str | None,
    namespace: str,
    target: str,
    context: str | None,
    environment: str | None,
    *,
    as_json: bool,
    unused: bool,
) -> None:
    """Show each declared edge of SYSTEM with its traffic, and undeclared connections.

    Undeclared connections are read from the kernel's socket table (Linux): a service bypasses its
    per-edge proxy to reach a store or another service. Exit code 1 if there are any.

    A declared edge by which nothing was connected since the start is listed as never used: after
    tests of all that users do, it may be one to delete.

    In a cluster: requests of each call, as the callers' own pods have counted them since they
    began. Connections to stores and undeclared ones are not counted there.

    Example: tarmac edges shop --json
    """
    from tarmac.cli import _cluster, _edges, _show
    from tarmac.local.supervisor import activity, client

    if (place := _cluster.Place(target, context, environment)).is_cluster:
        sys.exit(_in_cluster(system, place, as_json=as_json, unused=unused))
    home = _project.home_of(system, namespace)
    if not client.is_running(home):
        raise TarmacError(f"{home.root}: the system is not running; start it with `tarmac up`")
    answer = client.ask(home, {"verb": "edges"})
    edges, undeclared = answer["edges"], answer["undeclared"]
    if unused and edges and not any("connections" in edge for edge in edges):
        what = "nothing counts the use of its edges (--direct); start it without"
        raise BadInput([Problem(str(home.root), what)])
    never = activity.unused(edges)
    edges = [edge | {"unused": (edge["source"], edge["target"]) in never} for edge in edges]
    if unused:
        edges = [edge for edge in edges if edge["unused"]]
    if as_json:
        _project.print_json({"edges": edges, "undeclared": undeclared})
    elif unused and not edges and not undeclared:
        click.echo("every declared edge was used in this run")
    else:
        _edges.show(_show.open_console(), edges, undeclared)
    sys.exit(1 if undeclared or (unused and edges) else 0)


def _in_cluster(system: str | None, place: Place, *, as_json: bool, unused: bool) -> int:
    """Print the edges of a system in a cluster; returns the exit code."""
    from tarmac.cli import _cluster, _cluster_edges, _show
    from tarmac.foreign import files
    from tarmac.model.loader import load

    loaded = load(str(_project.find(system)), files.content)
    with _cluster.opened(system, place) as running:
        found = _cluster_edges.read(running, loaded)
    found = [edge for edge in found if edge.unused or not unused]
    if as_json:
        listed = [asdict(edge) | {"unused": edge.unused} for edge in found]
        _project.print_json({"edges": listed})
    elif unused and not found:
        click.echo("every call that is counted was used since its pods began")
    else:
        _cluster_edges.show(_show.open_console(), found)
    return int(unused and bool(found))
