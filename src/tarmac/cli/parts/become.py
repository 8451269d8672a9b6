"""Replaces this process by another program: what `run` ends in."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import TYPE_CHECKING, NoReturn

import click

from tarmac.base.errors import TarmacError

if TYPE_CHECKING:
    from tarmac.run.local.supervisor.requests import ServiceEnvironment

#: Exit codes of a shell for a program that is not found, or cannot be executed.
NOT_FOUND, NOT_RUN = 127, 126


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


def become(command: list[str], env: dict[str, str], folder: str) -> NoReturn:
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
