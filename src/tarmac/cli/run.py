"""`tarmac run`: a command in a service's environment and folder, in this terminal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from tarmac.base.errors import BadInput, Problem, TarmacError, did_you_mean
from tarmac.cli.parts import become, project

if TYPE_CHECKING:
    from tarmac.run.local.supervisor.requests import ServiceEnvironment


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
@click.argument("names", metavar="[SYSTEM] SERVICE [NAME] [-- COMMAND...]", nargs=-1)
@project.namespace_option
@click.pass_context
def VERB(ctx: click.Context, names: tuple[str, ...], namespace: str) -> None:
    """Run COMMAND in the environment and folder of SERVICE: a migration, a shell, its tests.

    NAME is one of the `commands` of SERVICE; words after `--` are added to it.

    COMMAND inherits your environment variables and gets free ports of its own. Without COMMAND, the
    service's own command runs on the service's ports: first `tarmac up --without SERVICE`. A task
    is SERVICE.TASK. The exit code is that of the COMMAND.

    Example: tarmac run shop order-service -- pytest -q
    """
    from tarmac.run.local.host.inherited_env import inherited_env
    from tarmac.run.local.supervisor import environments

    command = ctx.obj
    system, services = project.split_names(names)
    if len(services) not in (1, 2):
        raise click.UsageError("one service before `--`: tarmac run [SYSTEM] SERVICE -- COMMAND")
    service, *named = services
    if command == [] and not named:
        raise click.UsageError("nothing after `--`; leave it out to run the service's own command")
    file = project.find(system)
    other_ports = command is not None or bool(named) or "." in service
    environment = environments.fetch(file, namespace, service, other_ports=other_ports)
    for name in named:
        command = _named(environment, name, command or [])
    if not environment.running:
        click.echo(
            "note: the system is not running, nor are its stores; start it with `tarmac up`",
            err=True,
        )
    elif command is None and environment.role == "service":
        _refuse_second(environment)
    if environment.hosts:
        become.give_names(environment)
    mine = inherited_env() if command is None else dict(os.environ)
    become.become(
        command or list(environment.command), {**mine, **environment.env}, environment.folder
    )


def _named(environment: ServiceEnvironment, name: str, words: list[str]) -> list[str]:
    """Find a command of a service, and add words to it. Raises BadInput: it has none so named."""
    known = environment.commands
    if name not in known:
        what = f"'{name}' is not a command of {environment.name}"
        hint = did_you_mean(name, known) if known else "write one under `commands`"
        raise BadInput([Problem(name, f"{what}; {hint}")])
    argv = known[name]
    if words and argv[:2] == ("/bin/sh", "-c"):
        return [*argv[:2], f'{argv[2]} "$@"', name, *words]
    return [*argv, *words]


def _refuse_second(environment: ServiceEnvironment) -> None:
    if environment.off:
        raise TarmacError(
            f"{environment.name}: is off; start it by `tarmac start {environment.name}`, or put "
            f"yours in its place: `tarmac up {environment.name} --without {environment.name}`"
        )
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
