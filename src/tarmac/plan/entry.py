"""The entry: one local address for each public host, in the place of production's Ingress.

Used by `resolve`. What is routed where follows from the services' `public`; nothing else says it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tarmac.base.launch import ExchangeProbe, File, Launch, text
from tarmac.model.edge import ENTRY
from tarmac.plan import ports
from tarmac.plan.bindings import Bindings
from tarmac.plan.plan import Node

MODULE = "tarmac.run.local.network.ingress"
#: A request to the server itself and to no path of a service (RFC 9110, 9.3.7).
PROBE = b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def nodes(bindings: Bindings) -> Iterable[Node]:
    """Plan the entry's process; nothing for a system that has none."""
    system, facts = bindings.system, bindings.facts
    labels = tuple(system.file.entry)
    if not labels:
        return
    key = ports.service_key if facts.shape.direct else _own_key
    names = [ports.entry_port(label) for label in labels]
    own = {name: facts.ports[key(ENTRY, name)] for name in names}
    targets = {name for name in system.file.services if system.entrance(name) is not None}
    first = bindings.public_port(ENTRY, names[0])
    yield Node(
        name=ENTRY,
        role="entry",
        about="entry: "
        + ", ".join(f"{name} :{bindings.public_port(ENTRY, name)}" for name in names),
        launch=Launch(
            argv=(facts.python, "-I", "-m", MODULE, "{folder}/routes.json"),
            ready=ExchangeProbe(next(iter(own.values())), expect=b" 204 ", send=PROBE),
            files=(File("routes.json", text(json.dumps(_routes(bindings, own), indent=1))),),
            env={},
        ),
        service=ENTRY,
        needs=tuple(sorted(targets - facts.shape.absent)),
        ports=own,
        url=f"http://{facts.public_host}:{first}",
        zone="zone-a",
        machine="node-a1",
    )


def _own_key(service: str, port: str) -> str:
    return ports.instance_key(service, 1, port)


def _routes(bindings: Bindings, own: Mapping[str, int]) -> dict[str, Any]:
    """Return where it listens for which host, and which service has which paths of that host."""
    system, facts = bindings.system, bindings.facts
    hosts: dict[str, list[dict[str, Any]]] = {label: [] for label in system.file.entry}
    for name, service in system.file.services.items():
        label = system.entrance(name)
        if label is None or service.public is None:
            continue
        port = bindings.edge_port(ENTRY, name, ports.main_port(system, name))
        hosts[label] += [
            {"path": path, "service": name, "host": facts.host, "port": port}
            for path in service.public.paths
        ]
    return {
        "domain": system.file.domain or "",
        "listen": [
            {"label": label, "host": facts.host, "port": own[ports.entry_port(label)]}
            for label in hosts
        ],
        "hosts": hosts,
    }
