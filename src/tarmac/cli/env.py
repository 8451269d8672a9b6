"""`tarmac env`: the environment of a service, for a debugger or a shell."""

from __future__ import annotations

import shlex

import click

from tarmac.cli.output import terminal
from tarmac.cli.parts import project

SECTION = "Run"


@click.command("env", short_help="Print a service's environment, for a debugger.")
@click.argument("names", metavar="[SYSTEM] SERVICE", nargs=-1)
@project.namespace_option
@click.option("--export", is_flag=True, help="Print export lines for a POSIX shell.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["plain", "dotenv"]),
    default="plain",
    show_default=True,
    help="dotenv quotes values for IDEs.",
)
@click.option(
    "--all",
    "every",
    is_flag=True,
    help="Include variables inherited from your shell: PATH, HOME ...",
)
@click.option("--command", is_flag=True, help="Print the command that starts the service instead.")
@project.json_option
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
    """Print the environment of SERVICE of SYSTEM, as KEY=value lines.

    The output has passwords and other secrets in plain text. To start the service
    yourself: `tarmac up --without SERVICE`.

    Example: tarmac env shop order-service --format dotenv
    """
    from tarmac.base import dotenv
    from tarmac.run.local.supervisor import environments

    system, services = project.split_names(names)
    if len(services) != 1:
        raise click.UsageError("name one service: tarmac env [SYSTEM] SERVICE")
    file = project.find(system)
    environment = environments.fetch(file, namespace, services[0])
    env = dict(sorted({**(environment.inherited if every else {}), **environment.env}.items()))
    if not environment.running:
        click.echo(
            "note: the system is not running; the next `up` may choose other ports", err=True
        )
    elif environment.taken and not command and not environment.off:
        what = (
            "runs on it"
            if environment.outside
            else "runs there; to start it yourself: `tarmac up --without`"
        )
        click.echo(
            f"note: port {environment.taken[0]} is taken: {environment.name} {what}", err=True
        )
    if as_json:
        terminal.print_json(
            {
                "name": environment.name,
                "env": env,
                "command": environment.command,
                "folder": environment.folder,
                "running": environment.running,
                "outside": environment.outside,
                "hosts": environment.hosts,
            }
        )
    elif command:
        folder, words = shlex.quote(environment.folder), shlex.join(environment.command)
        terminal.print_document(f"cd {folder} && exec {words}\n")
    elif style == "dotenv":
        terminal.print_document(dotenv.write(env))
    else:
        for name, value in env.items():
            line = f"export {name}={shlex.quote(value)}" if export else f"{name}={value}"
            terminal.print_document(f"{line}\n")
