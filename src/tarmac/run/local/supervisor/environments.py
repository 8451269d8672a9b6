"""Asks for the environment of a service or task: of what runs, or as it was at the last start.

Used by the verbs `env` and `run`. Light: a system that runs is asked, and the model is loaded only
where none does.
"""

from __future__ import annotations

from pathlib import Path

from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.requests import Export, ServiceEnvironment


def fetch(
    file: Path, namespace: str, name: str, *, other_ports: bool = False
) -> ServiceEnvironment:
    """Ask for a service or task.

    Args:
        other_ports: with other ports to listen on, free ones: not those of the instance.

    Raises:
        BadInput: there is none of that name, or the system never ran.
    """
    home = Home.of(file, namespace)
    if client.is_running(home):
        return client.ask(home, Export(name, other_ports))
    from tarmac.run.local.supervisor.service_environment import (  # noqa: PLC0415 - the model
        of_last_run,
    )

    return of_last_run(file, home, name, other_ports=other_ports)
