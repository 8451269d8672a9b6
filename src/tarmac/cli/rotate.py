"""`tarmac rotate`: give a secret another value, without a gap."""

from __future__ import annotations

import sys

import click

from tarmac.base.errors import BadInput, Problem
from tarmac.cli.output import terminal
from tarmac.cli.parts import project

SECTION = "Run"


@click.command("rotate", short_help="Give a secret another value, without a gap.")
@click.argument("names", metavar="[SYSTEM] SECRET", nargs=-1)
@project.namespace_option
@project.timeout_option
@project.json_option
def VERB(names: tuple[str, ...], namespace: str, *, timeout: float | None, as_json: bool) -> None:
    """Give a SECRET of SYSTEM another value while it serves, then have the previous one refused.

    SECRET is a store (the passwords of all its services), STORE/SERVICE, a variable of `secrets`,
    or `caller-keys`. Both values are valid while the services that have it are replaced, as
    `tarmac restart` does. A value that `.env` has is asked for, or read from standard input, and
    written there; others are made here. What cannot be rotated so is refused, with the reason.

    Example: tarmac rotate shop orders-db
    """
    from tarmac.cli.output.waiting import waiting
    from tarmac.run.local.supervisor import client
    from tarmac.run.local.supervisor.requests import FindSecret, Rotate

    system, secrets = project.split_names(names)
    if len(secrets) != 1:
        raise click.UsageError("name one secret: tarmac rotate [SYSTEM] SECRET")
    home = project.running_home(system, namespace)
    need = client.ask(home, FindSecret(secrets[0]))
    value = _asked(need.given) if need.given else ""
    with waiting("rotating"):
        done = client.ask(home, Rotate(secrets[0], value))
        status = client.wait(home, within_s=timeout)
    if as_json:
        terminal.print_json({**_as_data(done), "healthy": status.healthy})
    else:
        for path in done.rotated:
            click.echo(f"{path}: {'both values are valid still' if done.failed else 'rotated'}")
        if done.services:
            click.echo(f"replaced: {', '.join(done.services)}")
        if done.refused:
            click.echo(f"the previous value: {done.refused}")
        for name in done.gaps:
            click.echo(f"{name} was stopped before it was started again: two of it cannot run")
        for name, why in done.failed.items():
            click.echo(f"{name} keeps the previous value: {why}", err=True)
        if done.failed:
            click.echo(f"`tarmac rotate {secrets[0]}` goes on once that is corrected", err=True)
    sys.exit(0 if status.healthy and not done.failed else 1)


def _as_data(done: object) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(done)  # type: ignore[call-overload, no-any-return]


def _asked(variable: str) -> str:
    """Ask a person for a value without showing it, or read it from standard input."""
    if sys.stdin.isatty():
        value = str(click.prompt(f"next value of {variable}", hide_input=True, err=True))
    else:
        value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not value.strip():
        what = "has no next value; write it on standard input"
        raise BadInput([Problem(variable, what)])
    return value
