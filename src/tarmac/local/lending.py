"""What a person needs to run a service's program themselves, or another program in its place.

Used by `env`, `run` and the test plugin: of a system that runs, its supervisor answers; of one that
does not, what it had last. Nothing is started here, and nothing changes but that a secret which is
missing is made up and kept.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tarmac.errors import BadInput, Problem, TarmacError, did_you_mean
from tarmac.launch import reveal
from tarmac.local import client
from tarmac.local.home.paths import Home
from tarmac.local.machine.sockets import LOOPBACK, Reservations, is_free
from tarmac.local.resolving import Options, Resolved, Resolver
from tarmac.plan import ports
from tarmac.plan.launches import as_typed
from tarmac.plan.plan import Node
from tarmac.plan.resolve import LOCAL, resolve
from tarmac.plan.settings import SHELL_ORIGIN

if TYPE_CHECKING:
    from tarmac.local.supervisor import Supervisor


@dataclass(frozen=True)
class Loan:
    """A service's environment, and how and where its program is started."""

    name: str
    role: str
    #: What Tarmac gives it, with the secrets' values.
    env: Mapping[str, str]
    #: What it gets of the variables of whoever started Tarmac.
    passed_on: Mapping[str, str]
    command: tuple[str, ...]
    folder: str
    #: Somebody else is to start it.
    outside: bool
    #: Ports of `env` on which somebody listens now.
    taken: tuple[int, ...]
    #: Whether the system runs; the stores answer only then.
    running: bool


def borrow(file: Path, namespace: str, name: str, *, elsewhere: bool = False) -> Loan:
    """Ask for a service or task.

    Args:
        elsewhere: with other ports to listen on, which nobody has: not those of the instance.

    Raises:
        BadInput: there is none of that name, or the system never ran.
    """
    home = Home.of(file, namespace)
    if client.is_running(home):
        asked = {"verb": "lend", "name": name, "elsewhere": elsewhere}
        answer = client.ask(home, asked)["loan"]
        return Loan(**answer)
    return lend(_as_it_was(file, home), name, elsewhere=elsewhere, running=False)


def lend(now: Resolved, name: str, *, elsewhere: bool, running: bool = True) -> Loan:
    """Collect what a service or task of a resolved system gets. Raises BadInput."""
    nodes = {node.name: node for node in now.plan.nodes}
    programs = [each.name for each in nodes.values() if each.role in ("service", "task")]
    if name not in programs:
        what = f"no service of {now.plan.system}; {did_you_mean(name, programs)}"
        if name in nodes:
            what = "a store; `tarmac connect` opens it"
        raise BadInput([Problem(name, what)])
    node = _moved(now, nodes[name]) if elsewhere else nodes[name]
    env = {key: reveal(value, now.secrets) for key, value in node.launch.env.items()}
    theirs = {key for key in env if node.origins.get(key) == SHELL_ORIGIN}
    return Loan(
        name=name,
        role=node.role,
        env={key: value for key, value in env.items() if key not in theirs},
        passed_on={key: env[key] for key in theirs},
        command=as_typed(node.launch),
        folder=node.launch.cwd,
        outside=node.outside,
        taken=tuple(port for port in node.ports.values() if not is_free(port)),
        running=running,
    )


def _moved(now: Resolved, node: Node) -> Node:
    """Plan a node anew with free ports of its own."""
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
    facts = replace(now.facts, ports=chosen)
    return resolve(now.system, LOCAL, facts, now.kinds).node(node.name)


def _as_it_was(file: Path, home: Home) -> Resolved:
    """Resolve a system that does not run with the options and ports that it had last."""
    if not home.facts.exists():
        never = f"never ran in namespace '{home.root.name}'; `tarmac up` it"
        raise BadInput([Problem(str(file), never)])
    options = Options(file=str(file.resolve()), namespace=home.root.name)
    with contextlib.suppress(TypeError):  # another version's options
        options = replace(options, **client.last_options(home) | {"file": options.file})
    held: dict[str, int] = {}
    with contextlib.suppress(OSError, ValueError, KeyError):
        held = json.loads(home.facts.read_text())["ports"]
    resolver = Resolver(options, home, Reservations())
    try:
        return resolver.resolve(held)
    finally:
        resolver.give_back()


async def answer(supervisor: Supervisor, request: dict[str, Any]) -> dict[str, Any]:
    """Answer what `borrow` asks of a running system. Raises TarmacError."""
    if supervisor.now is None:
        raise TarmacError("the system is still starting; try again")
    loan = lend(supervisor.now, request["name"], elsewhere=request["elsewhere"])
    return {"loan": asdict(loan)}


VERBS: dict[str, Callable[[Supervisor, dict[str, Any]], Awaitable[dict[str, Any]]]] = {
    "lend": answer
}
