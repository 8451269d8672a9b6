"""`tarmac run`: a command in a service's environment and folder, in this terminal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from tarmac.cli import _project
from tarmac.errors import TarmacError

if TYPE_CHECKING:
    from tarmac.local.lending import Loan

#: What a shell answers when a program is not there, or cannot be run.
NOT_FOUND, NOT_RUN = 127, 126


class Separated(click.Command):
    """Keeps what comes after `--` for the command that is run: its options are not ours."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what is ours."""
        if "--" in args:
            at = args.index("--")
            ctx.obj = args[at + 1 :]
            args = args[:at]
        return super().parse_args(ctx, args)


@click.command("run", cls=Separated, short_help="Run a command as a service would be run.")
@click.argument("names", metavar="[SYSTEM] SERVICE [-- COMMAND...]", nargs=-1)
@_project.namespace_option
@click.pass_context
def VERB(ctx: click.Context, names: tuple[str, ...], namespace: str) -> None:
    """Run COMMAND in the environment and folder of SERVICE: a migration, a shell, its tests.

    It has your own variables too, and ports that nobody else has. Without a COMMAND the service's
    own is run, with its own ports, as Tarmac would: first `tarmac up --without SERVICE`. A task is
    SERVICE.TASK. The exit code is that of the COMMAND.

    Example: tarmac run shop order-service -- pytest -q
    """
    from tarmac.local import lending
    from tarmac.local.machine.passed_on import passed_on

    command = ctx.obj
    system, services = _project.split_names(names)
    if len(services) != 1:
        raise click.UsageError("one service before `--`: tarmac run [SYSTEM] SERVICE -- COMMAND")
    if command == []:
        raise click.UsageError("nothing after `--`; leave it out to run the service's own command")
    file = _project.find(system)
    elsewhere = command is not None or "." in services[0]
    loan = lending.borrow(file, namespace, services[0], elsewhere=elsewhere)
    if not loan.running:
        click.echo("note: the system does not run, so nobody answers; `tarmac up` it", err=True)
    elif command is None and loan.role == "service":
        _refuse_second(loan)
    mine = passed_on() if command is None else dict(os.environ)
    _become(command or list(loan.command), {**mine, **loan.env}, loan.folder)


def _refuse_second(loan: Loan) -> None:
    if not loan.outside:
        raise TarmacError(f"{loan.name}: runs already; `tarmac up --without` leaves it to you")
    if loan.taken:
        from tarmac.local.machine.listeners import holder

        port = loan.taken[0]
        raise TarmacError(f"{loan.name}: port {port} is taken by {holder(port)}; end that first")


def _become(command: list[str], env: dict[str, str], folder: str) -> NoReturn:
    """Be the command from now on: terminal, signals and exit code are its own."""
    try:
        os.chdir(folder)
    except OSError as error:
        raise TarmacError(f"{folder}: cannot be entered ({error.strerror})") from None
    try:
        os.execvpe(command[0], command, env)  # noqa: S606 - no shell is meant
    except OSError as error:
        there = not isinstance(error, FileNotFoundError)
        click.echo(f"{command[0]}: cannot be run in {folder} ({error.strerror})", err=True)
        sys.exit(NOT_RUN if there else NOT_FOUND)
