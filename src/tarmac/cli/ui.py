"""`tarmac ui`: a running system in the terminal, with keys."""

from __future__ import annotations

import click

from tarmac.cli.parts import project

SECTION = "See"


@click.command("ui", short_help="Watch and change the running system in this terminal.")
@project.system_argument
def VERB(system: str | None, namespace: str) -> None:
    """Show processes and logs of SYSTEM in this terminal, and change them by keys.

    `?` lists the keys: restart, stop, start and scale services, search logs, cause faults, look at
    traces. `q` leaves, and the system keeps running. Needs the package's extra `ui`: pip install
    'tarmac[ui]'.

    Example: tarmac ui shop
    """
    from tarmac.cli.parts import terminal_ui

    terminal_ui.require("tarmac ui")
    project.running_home(system, namespace)
    terminal_ui.run(system, namespace)
