"""The addresses in variables, and which service or store each one means: references in their place.

Called by `_settle`, one service after the other, so that no two services wait for each other.
"""

from __future__ import annotations

import re

from tarmac.adopt import _servers
from tarmac.adopt._dotenv import LONGEST
from tarmac.adopt._found import Service
from tarmac.adopt._scene import Scene, port_prefix
from tarmac.adopt._urls import URL, referred


def rewritten(
    name: str, value: str, service: Service, scene: Scene, *, by_code: bool = False
) -> str:
    """Replace the hosts of services and stores in a value, if it is short, by references.

    Args:
        by_code: the value stands in the program's code, where localhost is a developer's machine.
    """
    if len(value) > LONGEST:
        return value
    result = URL.sub(lambda match: referred(name, match, service, scene, by_code), value)
    if result != value:
        return result
    for other in scene.hosts_in(value):
        host = re.escape(other).replace(r"\-", "[-_]")
        if value.lower() == other or re.fullmatch(host, value):
            looks = re.search(r"HOST|SERVER|ADDR|ENDPOINT|URL|URI", name.upper())
            return _host(other, "host", service, scene) or value if looks else value
        result = re.sub(
            rf"(?<![\w.$/@-]){host}:(\d+)(?![\d.])",
            lambda match, other=other: _host(other, match[1], service, scene) or match[0],  # type: ignore[misc]
            result,
        )
    return result


def _host(other: str, what: str, service: Service, scene: Scene) -> str:
    """Refer to a host (`host`) or to a host with a port (its number)."""
    if store := scene.store_named(other):
        output = "host" if what == "host" else "address"
        return _servers.reference(store.name, output, broker=store is scene.broker)
    if other in scene.unknown_hosts:
        return "localhost" if what == "host" else f"localhost:{scene.published(other, what)}"
    if other == service.name or not scene.may_call(service.name, other):
        return ""
    if what == "host":
        return f"${{services.{other}.host}}"
    return f"${{services.{other}.{port_prefix(scene.services[other], what)}address}}"
