"""Stops and starts services of a system that runs: what `stop` and `start` share."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from tarmac.cli.output import printing, progress, system_state, terminal
from tarmac.cli.output.waiting import waiting
from tarmac.cli.parts import project
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.results import ApplyResult

Change = Callable[[Home, tuple[str, ...]], ApplyResult]


def change(
    words: tuple[str, ...],
    namespace: str,
    to: Change,
    *,
    as_json: bool,
    timeout: float | None = None,
) -> None:
    """Stop or start the services that the words name, wait, and print the state.

    Args:
        words: a system, if it is not the one here, and its services.
        to: what is done with the services.
    """
    system, names = project.split_names(words)
    if not names:
        raise click.UsageError(f"name services of {system}, too")
    project.check_names(system, names)
    home = project.running_home(system, namespace)
    before = client.status_before(home)
    with waiting("waiting for the system"):
        done = to(home, names)
    console = printing.open_console(stderr=as_json)
    status = progress.wait(console, home, timeout)
    if as_json:
        terminal.print_json(progress.with_changes(status, done))
    else:
        progress.print_taken_back(console, before, status, done)
        system_state.show(console, status)
    sys.exit(0 if status.healthy and not done.failed else 1)
