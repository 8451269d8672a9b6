"""Declared edges. Start order, credentials, policies and dashboards follow them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tarmac.model.location import Location
from tarmac.model.reference import Reference, split
from tarmac.model.system import System

Kind = Literal["call", "store", "publish", "consume", "broker", "external", "entry"]
#: Edges that lead to the broker; `broker` itself is that of a service that names no topics.
BROKER_KINDS = ("publish", "consume", "broker")
#: The source of the edges from the entry to public services.
ENTRY = "entry"


@dataclass(frozen=True, order=True)
class Edge:
    """`source` (a service or the entry) uses `target` (a service, store, topic or external)."""

    source: str
    target: str
    kind: Kind
    #: The slot, for a store bound to one.
    slot: str = ""


def edges(system: System) -> tuple[Edge, ...]:
    """List the edges of a system, sorted; a reference in an env value is an edge too."""
    found: set[Edge] = set()
    for name, service in system.file.services.items():
        if system.entrance(name) is not None:
            found.add(Edge(ENTRY, name, "entry"))
        found.update(Edge(name, target, "call") for target in service.calls)
        found.update(Edge(name, store, "store", slot) for slot, store in service.stores.items())
        found.update(Edge(name, topic, "publish") for topic in service.publishes)
        found.update(Edge(name, topic, "consume") for topic in service.consumes)
        found.update(Edge(name, external, "external") for external in service.externals)
        for value in service.env.values():
            for reference in references(value):
                # Its public address is for others to use: it is nothing to wait for.
                told = reference.output.endswith("public_url")
                known = (name, *service.calls)
                if reference.root == "services" and reference.name not in known and not told:
                    found.add(Edge(name, reference.name, "call"))
                if reference.root == "broker" and not (service.publishes or service.consumes):
                    found.add(Edge(name, "broker", "broker"))
                if reference.root == "stores" and reference.name not in service.stores.values():
                    found.add(Edge(name, reference.name, "store"))
    return tuple(sorted(found))


def place(system: System, source: str, target: str) -> Location:
    """Find where a service says that it uses another or a store; the service where it is not."""
    service = system.file.services.get(source)
    root = ("services", source)
    if service is None:
        return system.locate(("stores", source), key=True)
    if target in service.calls:
        return system.locate((*root, "calls", target), key=True)
    for slot, store in service.stores.items():
        if store == target:
            return system.locate((*root, "stores", slot))
    for variable, value in service.env.items():
        if any(reference.name == target for reference in references(value)):
            return system.locate((*root, "env", variable))
    if target == "broker" and (service.publishes or service.consumes):
        return system.locate((*root, "publishes" if service.publishes else "consumes"), key=True)
    return system.locate(root, key=True)


def references(value: object) -> tuple[Reference, ...]:
    """List the references of an env value; none where it is not well formed or not text."""
    if not isinstance(value, str):
        return ()
    try:
        return tuple(piece for piece in split(value) if isinstance(piece, Reference))
    except ValueError:
        return ()
