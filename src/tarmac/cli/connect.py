"""`tarmac connect`: open a store's own shell, or print its address."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import click

from tarmac.base.errors import TarmacError
from tarmac.base.installed import find_program
from tarmac.cli.output import terminal
from tarmac.cli.parts import project

if TYPE_CHECKING:
    from tarmac.run.system import StoreAccess

SECTION = "Run"


@click.command("connect", short_help="Open a store's shell, or print its URL.")
@click.argument("names", metavar="[SYSTEM] STORE", nargs=-1)
@project.namespace_option
@click.option("--as", "user", default="", metavar="SERVICE", help="Connect as this service.")
@click.option("--url", "only_url", is_flag=True, help="Print the URL with its password.")
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
    user: str,
    only_url: bool,
    as_json: bool,
) -> None:
    """Open the shell of a running STORE of SYSTEM (psql, valkey-cli, nats) as its administrator.

    If that program is not on PATH, the store's URL is printed. The broker is the store `broker`. In
    a cluster the shell connects as --as or as the first service that uses the store; a URL is valid
    until Ctrl-C.

    Example: tarmac connect shop orders-db --as order-service
    """
    from tarmac.run.opening import Place, opened

    system, stores = project.split_names(names)
    if len(stores) != 1:
        raise click.UsageError("name one store: tarmac connect [SYSTEM] STORE")
    place = Place(target, namespace, context, environment, host)
    with (
        opened(place, project.find(system)) as running,
        running.connect(stores[0], user) as way,
    ):
        program = next(filter(None, map(find_program, way.programs)), None)
        if program is not None and not only_url and not as_json:
            sys.exit(_open_shell(program, way))
        if as_json:
            terminal.print_json({"title": way.title, "url": way.url})
        else:
            if not only_url and way.programs:
                missing = " or ".join(way.programs)
                click.echo(f"{missing} is not on PATH; the URL of {way.title}:", err=True)
            click.echo(way.url)
        if way.is_forwarded:
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()


def _open_shell(program: str, way: StoreAccess) -> int:
    """Run a store's shell in the place of this process, or before its way is closed."""
    argv = [program, *way.arguments]
    # The password is passed by a variable: every user of the machine can read a command line.
    env = {**os.environ, **way.env}
    try:
        if way.is_forwarded:
            return subprocess.run(argv, env=env, check=False).returncode
        os.execve(program, argv, env)  # noqa: S606
    except OSError as error:
        raise TarmacError(f"{program}: cannot be started ({error.strerror})") from None
