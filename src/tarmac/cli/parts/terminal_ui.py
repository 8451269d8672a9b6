"""Runs the terminal's program; used by the verbs `ui` and `up --ui`."""

from __future__ import annotations

import importlib.util
import sys
from typing import NoReturn

import click

from tarmac.base.errors import BadInput, MissingTool, Problem
from tarmac.cli.parts import project
from tarmac.run.local.state.paths import Home


def require(command: str) -> None:
    """Raise BadInput without a terminal, MissingTool without the package's extra `ui`."""
    streams = (sys.__stdin__, sys.__stdout__, sys.__stderr__)
    if not all(stream is not None and stream.isatty() for stream in streams):
        what = "needs a terminal for input and output; for pipes: `tarmac ps` and `tarmac logs`"
        raise BadInput([Problem(command, what)])
    if importlib.util.find_spec("textual") is None:
        raise MissingTool("the package `textual` is missing; pip install 'tarmac[ui]'")


def run(system: str | None, namespace: str) -> NoReturn:
    """Show the system until its user leaves; say then whether it runs, and end."""
    from tarmac.run.local.supervisor import client
    from tarmac.run.terminal.app import TerminalApp
    from tarmac.run.terminal.running_system import LocalRunningSystem

    file = project.find(system)
    home = Home.of(file, namespace)
    asked = LocalRunningSystem(file, home)
    try:
        app = TerminalApp(asked, system or "")
        app.run()
    finally:
        asked.close()
    copy = "" if namespace == "default" else f"-n {namespace}"
    stop = " ".join(filter(None, ("tarmac down", system, copy)))
    runs = f"the system keeps running; `{stop}` stops it"
    click.echo(runs if client.is_running(home) else "the system is stopped; `tarmac up` starts it")
    sys.exit(app.return_code)
