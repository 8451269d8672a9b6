"""`tarmac run`: a command in a service's environment and folder, in this terminal."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import TYPE_CHECKING, NoReturn

import click

from tarmac.base.errors import TarmacError
from tarmac.cli import _project

if TYPE_CHECKING:
    from tarmac.run.local.supervisor.requests import ServiceEnvironment

#: Exit codes of a shell for a program that is not found, or cannot be executed.
NOT_FOUND, NOT_RUN = 127, 126


class SeparatedCommand(click.Command):
    """Keeps the words after `--` for the command to run: its options are not Tarmac's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words before `--`."""
        if "--" in args:
            at = args.index("--")
            ctx.obj = args[at + 1 :]
            args = args[:at]
        return super().parse_args(ctx, args)


SECTION = "Run"


@click.command(
    "run", cls=SeparatedCommand, short_help="Run a command in the environment of a service."
)
@click.argument("names", metavar="[SYSTEM] SERVICE [-- COMMAND...]", nargs=-1)
@_project.namespace_option
@click.pass_context
def VERB(ctx: click.Context, names: tuple[str, ...], namespace: str) -> None:
    """Run COMMAND in the environment and folder of SERVICE: a migration, a shell, its tests.

    COMMAND inherits your environment variables and gets free ports of its own. Without COMMAND, the
    service's own command runs on the service's ports: first `tarmac up --without SERVICE`. A task
    is SERVICE.TASK. The exit code is that of the COMMAND.

    Example: tarmac run shop order-service -- pytest -q
    """
    from tarmac.run.local.host.inherited_env import inherited_env
    from tarmac.run.local.supervisor import service_environment

    command = ctx.obj
    system, services = _project.split_names(names)
    if len(services) != 1:
        raise click.UsageError("one service before `--`: tarmac run [SYSTEM] SERVICE -- COMMAND")
    if command == []:
        raise click.UsageError("nothing after `--`; leave it out to run the service's own command")
    file = _project.find(system)
    other_ports = command is not None or "." in services[0]
    environment = service_environment.fetch(file, namespace, services[0], other_ports=other_ports)
    if not environment.running:
        click.echo(
            "note: the system is not running, nor are its stores; start it with `tarmac up`",
            err=True,
        )
    elif command is None and environment.role == "service":
        _refuse_second(environment)
    if environment.hosts:
        give_names(environment)
    mine = inherited_env() if command is None else dict(os.environ)
    _become(command or list(environment.command), {**mine, **environment.env}, environment.folder)


def _refuse_second(environment: ServiceEnvironment) -> None:
    if not environment.outside:
        raise TarmacError(
            f"{environment.name}: runs already; to start it yourself: `tarmac up --without`"
        )
    if environment.taken:
        from tarmac.run.local.host.listeners import holder

        port = environment.taken[0]
        raise TarmacError(
            f"{environment.name}: port {port} is taken by {holder(port)}; stop that first"
        )


def give_names(environment: ServiceEnvironment) -> None:
    """Find the names that the service finds (`hosts: true`), in what runs from now on."""
    from tarmac.run.local.host.guard import see_hosts
    from tarmac.run.local.host.hosts_file import hosts_file

    with tempfile.NamedTemporaryFile("w") as file:  # once it is mounted, its name may go
        file.write(hosts_file(environment.hosts))
        file.flush()
        os.fchmod(file.fileno(), 0o644)
        try:
            see_hosts(file.name)
        except OSError as error:
            raise TarmacError(f"{environment.name}: {error}") from None


def _become(command: list[str], env: dict[str, str], folder: str) -> NoReturn:
    """Be the command from now on: terminal, signals and exit code are its own."""
    try:
        os.chdir(folder)
    except OSError as error:
        raise TarmacError(f"{folder}: cannot be opened ({error.strerror})") from None
    try:
        os.execvpe(command[0], command, env)  # noqa: S606 - no shell is meant
    except OSError as error:
        there = not isinstance(error, FileNotFoundError)
        click.echo(f"{command[0]}: cannot be run in {folder} ({error.strerror})", err=True)
        sys.exit(NOT_RUN if there else NOT_FOUND)
