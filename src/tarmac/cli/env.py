"""`tarmac env`: the environment that a service gets, for a debugger or a shell."""

from __future__ import annotations

import shlex

import click

from tarmac.cli import _project


@click.command("env", short_help="Print a service's environment, for your debugger.")
@click.argument("names", metavar="[SYSTEM] SERVICE", nargs=-1)
@_project.namespace_option
@click.option("--export", is_flag=True, help="Lines for a POSIX shell: eval them.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["plain", "dotenv"]),
    default="plain",
    show_default=True,
    help="dotenv quotes values as IDEs read them.",
)
@click.option("--all", "every", is_flag=True, help="Also what it gets of your own: PATH, HOME ...")
@click.option("--command", is_flag=True, help="Print the command that starts it instead.")
@_project.json_option
def VERB(
    names: tuple[str, ...],
    namespace: str,
    *,
    export: bool,
    style: str,
    every: bool,
    command: bool,
    as_json: bool,
) -> None:
    """Print what SERVICE of SYSTEM gets from Tarmac, as KEY=value lines.

    They hold its passwords and other secrets as they are: they are for your own debugger. Start it
    in its place with `tarmac up --without SERVICE`.

    Example: tarmac env shop order-service --format dotenv
    """
    from tarmac import dotenv
    from tarmac.local import lending

    system, services = _project.split_names(names)
    if len(services) != 1:
        raise click.UsageError("name one service: tarmac env [SYSTEM] SERVICE")
    file = _project.find(system)
    loan = lending.borrow(file, namespace, services[0])
    env = dict(sorted({**(loan.passed_on if every else {}), **loan.env}.items()))
    if not loan.running:
        click.echo("note: the system does not run; its next `up` may choose other ports", err=True)
    elif loan.taken and not command:
        what = "runs on it" if loan.outside else "runs there; `up --without` leaves it to you"
        click.echo(f"note: port {loan.taken[0]} is taken: {loan.name} {what}", err=True)
    if as_json:
        _project.print_json(
            {
                "name": loan.name,
                "env": env,
                "command": loan.command,
                "folder": loan.folder,
                "running": loan.running,
                "outside": loan.outside,
            }
        )
    elif command:
        click.echo(f"cd {shlex.quote(loan.folder)} && exec {shlex.join(loan.command)}")
    elif style == "dotenv":
        click.echo(dotenv.write(env), nl=False)
    else:
        for name, value in env.items():
            click.echo(f"export {name}={shlex.quote(value)}" if export else f"{name}={value}")
