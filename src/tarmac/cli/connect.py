"""`tarmac connect`: open a store's own shell, or print its address."""

from __future__ import annotations

import os
import sys

import click

from tarmac.cli import _project
from tarmac.errors import TarmacError
from tarmac.installed import find_program


@click.command("connect", short_help="Open a store's shell, or print its URL.")
@click.argument("names", metavar="[SYSTEM] STORE", nargs=-1)
@_project.namespace_option
@click.option("--as", "user", default="", metavar="SERVICE", help="Connect as this service.")
@click.option("--url", "only_url", is_flag=True, help="Print the URL with its password.")
@_project.target_options
@_project.json_option
def VERB(
    names: tuple[str, ...],
    namespace: str,
    target: str,
    context: str | None,
    environment: str | None,
    *,
    user: str,
    only_url: bool,
    as_json: bool,
) -> None:
    """Open the shell of a running STORE of SYSTEM (psql, valkey-cli, nats) as its administrator.

    Where that program is not on PATH, its URL is printed. The broker is the store `broker`. In a
    cluster: as a service, the first that uses it without --as; a URL serves until Ctrl-C.

    Example: tarmac connect shop orders-db --as order-service
    """
    from tarmac.cli import _cluster
    from tarmac.local.supervisor import client

    system, stores = _project.split_names(names)
    if len(stores) != 1:
        raise click.UsageError("name one store: tarmac connect [SYSTEM] STORE")
    place = _cluster.Place(target, context, environment)
    if place.is_cluster:
        with _cluster.opened(system, place) as running:
            show_url = only_url or as_json
            sys.exit(_cluster.connect(running, stores[0], user, only_url=show_url))
    home = _project.running_home(system, namespace)
    way = client.ask(home, {"verb": "connect", "name": stores[0], "user": user})
    if as_json:
        _project.print_json({"title": way["title"], "url": way["url"]})
        return
    program = next(filter(None, map(find_program, way["programs"])), None)
    if only_url or program is None:
        if not only_url and way["programs"]:
            missing = " or ".join(way["programs"])
            click.echo(f"{missing} is not on PATH; the URL of {way['title']}:", err=True)
        click.echo(way["url"])
        return
    # The password is passed by a variable: every user of the machine can read a command line.
    env = {**os.environ, **way["env"]}
    try:
        os.execve(program, [program, *way["arguments"]], env)  # noqa: S606
    except OSError as error:
        raise TarmacError(f"{program}: cannot be started ({error.strerror})") from None
