"""Stops and starts services of a system that runs: what `stop` and `start` share."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from tarmac.cli import _progress, _project, _show, _status
from tarmac.cli._waiting import waiting
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
    system, names = _project.split_names(words)
    if not names:
        raise click.UsageError(f"name services of {system}, too")
    _project.check_names(system, names)
    home = _project.running_home(system, namespace)
    before = client.status_before(home)
    with waiting("waiting for the system"):
        done = to(home, names)
    console = _show.open_console(stderr=as_json)
    status = _progress.wait(console, home, timeout)
    if as_json:
        _project.print_json(_progress.with_changes(status, done))
    else:
        _progress.print_taken_back(console, before, status, done)
        _status.show(console, status)
    sys.exit(0 if status.healthy and not done.failed else 1)
