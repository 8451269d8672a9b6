"""What a person needs to run a service's program themselves, or another program in its place.

Used by the supervisor, and by `environments` of a system that does not run: of that, what it had
last. Nothing is started here, and nothing changes but that a secret which is missing is generated
and saved.
"""

from __future__ import annotations

import contextlib
import json
import socket
from dataclasses import replace
from pathlib import Path

from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.base.launch import reveal
from tarmac.model.service import Task
from tarmac.plan import ports
from tarmac.plan.facts import MachineFacts
from tarmac.plan.launches import as_typed, of_task
from tarmac.plan.plan import Node
from tarmac.plan.resolve import LOCAL, bound, planned
from tarmac.plan.settings import SHELL_ORIGIN
from tarmac.run.local.host.sockets import LOOPBACK, Reservations, is_free
from tarmac.run.local.state.options import Options
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.requests import ServiceEnvironment
from tarmac.run.local.supervisor.resolver import ResolvedSystem, Resolver


def of_last_run(file: Path, home: Home, name: str, *, other_ports: bool) -> ServiceEnvironment:
    """Collect what it had at the last start. Raises BadInput: no such name, or it never ran."""
    return export(_last_resolved(file, home), name, other_ports=other_ports, running=False)


def export(
    now: ResolvedSystem, name: str, *, other_ports: bool, running: bool = True
) -> ServiceEnvironment:
    """Collect what a service or task of a resolved system gets. Raises BadInput."""
    system, shape = now.system, now.facts.shape
    service = name if name in system.file.services else name.partition(".")[0]
    if off := service in shape.off:
        now = _with(now, replace(now.facts, shape=replace(shape, off=shape.off - {service})))
    nodes = {node.name: node for node in now.plan.nodes}
    programs = [node.name for node in nodes.values() if node.role in ("service", "task")]
    if name not in programs:
        what = f"no service of {now.plan.system}; {did_you_mean(name, programs)}"
        if name in nodes:
            what = "a store, not a service; open it with `tarmac connect`"
        raise BadInput([Problem(name, what)])
    node = _with_other_ports(now, nodes[name]) if other_ports else nodes[name]
    env = {key: reveal(value, now.secrets) for key, value in node.launch.env.items()}
    theirs = {key for key in env if node.origins.get(key) == SHELL_ORIGIN}
    return ServiceEnvironment(
        name=name,
        role=node.role,
        env={key: value for key, value in env.items() if key not in theirs},
        inherited={key: env[key] for key in theirs},
        command=as_typed(node.launch),
        folder=node.launch.cwd,
        outside=node.outside,
        off=off,
        taken=tuple(port for port in node.ports.values() if not is_free(port)),
        running=running,
        hosts=dict(node.launch.hosts),
        commands={
            key: as_typed(of_task(now.bindings, node.service, Task(run=run)))
            for key, run in system.file.services[node.service].commands.items()
        },
    )


def _with_other_ports(now: ResolvedSystem, node: Node) -> Node:
    """Plan a node again with free ports of its own."""
    listening = now.system.file.services[node.service].listening
    shape = now.facts.shape
    keys = {
        ports.own_key(now.system, node.service, node.number, port, shape)
        for port in (*listening, ports.HEALTH)
    } & now.facts.ports.keys()
    chosen = dict(now.facts.ports)
    with contextlib.ExitStack() as held:  # all at once: no port twice
        for key in sorted(keys):
            listener = held.enter_context(socket.create_server((LOOPBACK, 0)))
            chosen[key] = listener.getsockname()[1]
    return _with(now, replace(now.facts, ports=chosen)).plan.node(node.name)


def _with(now: ResolvedSystem, facts: MachineFacts) -> ResolvedSystem:
    """Plan the same system again with other facts."""
    bindings = bound(now.system, facts, now.bindings.catalogue)
    return replace(now, bindings=bindings, plan=planned(bindings, LOCAL))


def _last_resolved(file: Path, home: Home) -> ResolvedSystem:
    """Resolve a system that does not run with the options and ports that it had last."""
    if not home.facts.exists():
        never = f"never ran in namespace '{home.root.name}'; start it with `tarmac up`"
        raise BadInput([Problem(str(file), never)])
    path = str(file.resolve())
    last = client.last_options(home) or Options(path, namespace=home.root.name)
    options = replace(last, file=path)
    held: dict[str, int] = {}
    with contextlib.suppress(OSError, ValueError, KeyError):
        held = json.loads(home.facts.read_text())["ports"]
    resolver = Resolver(options, home, Reservations())
    try:
        return resolver.resolve(held)
    finally:
        resolver.release_ports()
