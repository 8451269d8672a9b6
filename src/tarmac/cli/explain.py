"""`tarmac explain`: what a thing of a system is, where it comes from, who uses it."""

from __future__ import annotations

import click

from tarmac.cli import _gates, _project


@click.command("explain", short_help="Say what a thing is, where it comes from, who uses it.")
@click.argument("names", metavar="[SYSTEM] [NAME]", nargs=-1)
@_project.namespace_option
@_project.json_option
def VERB(names: tuple[str, ...], namespace: str, *, as_json: bool) -> None:
    """Explain a NAME of SYSTEM, whether it runs or not; without NAME, the system in short.

    NAME is a service, store, topic, external, variable or port: where each of its values comes
    from, by file and line, who calls it and what it uses. Secrets are named, never shown.
    The id of a gate, such as NET001, says what `tarmac verify` looks at and how to bear a finding.

    Example: tarmac explain shop order-service
    """
    if len(names) == 1 and _gates.is_id(names[0]):
        _gates.explain(names[0], as_json=as_json)
        return
    from tarmac.cli import _explain, _show
    from tarmac.local import client, reading
    from tarmac.local.home.paths import Home
    from tarmac.plan.explain import explain

    system, rest = _project.split_names(names)
    if len(rest) > 1:
        raise click.UsageError("one NAME at a time")
    file = _project.find(system)
    loaded, plan = reading.plan_of(str(file), namespace)
    explained = explain(loaded, plan, rest[0] if rest else None)
    status = client.status(Home.of(file, namespace))
    states = {node.name: node.state for node in status.nodes} if status else {}
    if as_json:
        _project.print_json({**explained, "states": states})
    else:
        _explain.show(_show.open_console(), explained, states)
