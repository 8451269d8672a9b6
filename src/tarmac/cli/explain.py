"""`tarmac explain`: what something of a system is, its origin and its users."""

from __future__ import annotations

import click

from tarmac.cli.output import gates, terminal
from tarmac.cli.parts import project

SECTION = "See"


@click.command("explain", short_help="Show what NAME is, its origin and its users.")
@click.argument("names", metavar="[SYSTEM] [NAME]", nargs=-1)
@project.namespace_option
@project.json_option
def VERB(names: tuple[str, ...], namespace: str, *, as_json: bool) -> None:
    """Explain a NAME of SYSTEM, running or not; without NAME, summarise the system.

    NAME is a service, store, topic, external, variable or port: the file and line of each value,
    its callers and its dependencies. Secrets are named, never shown.
    With the id of a gate, such as NET001: what it checks and how to suppress a finding.

    Example: tarmac explain shop order-service
    """
    if len(names) == 1 and gates.is_id(names[0]):
        gates.explain(names[0], as_json=as_json)
        return
    from tarmac.cli.output import explanation, printing
    from tarmac.plan.explain import explain
    from tarmac.run.local.state.paths import Home
    from tarmac.run.local.supervisor import client, reading

    system, rest = project.split_names(names)
    if len(rest) > 1:
        raise click.UsageError("one NAME at a time")
    file = project.find(system)
    loaded, plan = reading.plan_of(str(file), namespace)
    explained = explain(loaded, plan, rest[0] if rest else None)
    status = client.status(Home.of(file, namespace))
    states = {node.name: node.state for node in status.nodes} if status else {}
    if as_json:
        terminal.print_json({**explained, "states": states})
    else:
        explanation.show(printing.open_console(), explained, states)
