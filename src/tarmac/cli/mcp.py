"""`tarmac mcp`: what runs, for agents that speak the Model Context Protocol."""

from __future__ import annotations

import click

from tarmac.base.errors import MissingTool
from tarmac.cli.parts import project

SECTION = "See"


@click.command("mcp", short_help="Serve the running system to agents (Model Context Protocol).")
@project.system_argument
def VERB(system: str | None, namespace: str) -> None:
    """Serve SYSTEM to an agent over standard input and output, until the agent ends it.

    Its tools return the output of other verbs: states, logs, traces, objectives, edges, usage and
    `tarmac explain`. Two tools change the system: one restarts a service, one scales it. Needs the
    package's extra `agents`: pip install 'tarmac[agents]'.

    Example: tarmac mcp shop
    """
    try:
        from tarmac.cli.parts import mcp
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("mcp"):
            raise
        raise MissingTool("the package `mcp` is missing; pip install 'tarmac[agents]'") from None

    mcp.tools(str(project.find(system).resolve()), namespace).run()
