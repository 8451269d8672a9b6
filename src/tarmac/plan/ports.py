"""Which ports a system needs here; `local` finds free ones, `resolve` uses them.

Four sorts: the public ones that the model names, an instance's own, a store's own, and one for each
edge, where its wire listens. Without wires, an instance listens on the public one itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarmac.model.edge import BROKER_KINDS, ENTRY, Edge
from tarmac.plan import local_access

if TYPE_CHECKING:
    from tarmac.catalog.stores.kind import StoreKind
    from tarmac.model.system import System
    from tarmac.plan.facts import RunShape

BROKER = "broker"
#: Where a service without a port of its own answers health and metrics: never offered to others.
HEALTH = "health"
#: The key of the port where spans are received.
TELEMETRY = "telemetry/otlp"


@dataclass(frozen=True)
class PortNeed:
    """A port that something listens on."""

    key: str
    #: The port that the model names or the kind prefers; None: any.
    preferred: int | None
    #: The service can only listen on this very port.
    fixed: bool = False
    #: A process outside Tarmac listens there, perhaps already.
    lent: bool = False
    #: The store that programs look for there by themselves.
    store: str = ""


def service_key(service: str, port: str) -> str:
    """Name a service's public port among the facts."""
    return f"services/{service}/{port}"


def instance_key(service: str, number: int, port: str) -> str:
    """Name the port of one instance, from 1, among the facts."""
    return f"instances/{service}/{number}/{port}"


def store_key(store: str, port: str) -> str:
    """Name a store's port among the facts."""
    return f"stores/{store}/{port}"


def edge_key(source: str, target: str, port: str) -> str:
    """Name the port of an edge's wire among the facts."""
    return f"edges/{source}/{target}/{port}"


def instances(system: System, service: str, shape: RunShape) -> int:
    """Tell how many instances of a service are wanted."""
    if service in shape.without:
        return 1
    return shape.scale.get(service, system.file.services[service].replicas)


def is_wired(system: System, service: str, shape: RunShape) -> bool:
    """Tell whether a service's public ports are the runtime's, and its instances have their own."""
    return not shape.direct and system.file.services[service].listen != "fixed"


def main_port(system: System, service: str) -> str:
    """Name the port that a service is known by; empty where it has none."""
    listening = system.file.services[service].listening
    return "http" if "http" in listening else next(iter(listening), "")


def entry_port(label: str) -> str:
    """Name the entry's port for a public host."""
    return label or "root"


def own_key(system: System, service: str, number: int, port: str, shape: RunShape) -> str:
    """Name the port where an instance itself listens."""
    if is_wired(system, service, shape) or port == HEALTH:
        return instance_key(service, number, port)
    return service_key(service, port)


def links(system: System, kinds: Mapping[str, StoreKind]) -> dict[tuple[str, str], tuple[str, ...]]:
    """List the connections: (source, target) -> the target's ports, in the edges' order.

    Args:
        kinds: the kind that answers, by store.
    """
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for edge in system.edges:
        if edge.kind == "external":
            continue
        if edge.kind == "entry":
            found[edge.source, edge.target] = (main_port(system, edge.target),)
        elif (target := _target(edge)) in system.file.services:
            found[edge.source, target] = tuple(system.file.services[target].listening)
        elif target in kinds:
            found[edge.source, target] = (kinds[target].port_for(edge.source),)
    return {link: ports for link, ports in found.items() if ports}


def _target(edge: Edge) -> str:
    return BROKER if edge.kind in BROKER_KINDS else edge.target


def needs(
    system: System, kinds: Mapping[str, StoreKind], shape: RunShape, *, known: bool = True
) -> Iterator[PortNeed]:
    """Yield every port that the system needs, services first: theirs are the ones people know.

    Args:
        kinds: the kind that answers, by store.
        known: programs look for stores at the ports that they know, as on this machine.
    """
    for name, service in system.file.services.items():
        fixed = service.listen == "fixed"
        for port_name, port in service.listening.items():
            # One that is left out listens on its own port itself; a wire would hold another's.
            lent = fixed and name in shape.without
            yield PortNeed(service_key(name, port_name), port, fixed, lent)
        new = name in shape.versions and name not in shape.without
        for number in range(1, instances(system, name, shape) + 1 + new):
            if not service.listening and system.is_kit(name):
                yield PortNeed(instance_key(name, number, HEALTH), None)
            if is_wired(system, name, shape):
                for port_name in service.listening:
                    yield PortNeed(instance_key(name, number, port_name), None)
    yield from _entry_needs(system, shape)
    if shape.telemetry:
        yield PortNeed(TELEMETRY, None)
    linked = links(system, kinds)
    first_users = local_access.first_users(system, linked)
    users: dict[str, list[str]] = {}
    for user, target in linked:
        users.setdefault(target, []).append(user)
    for name, kind in kinds.items():
        own = local_access.port(system, name) if known else None
        first = first_users.get(name, "")
        of_server = own if shape.direct or not first else None
        yield from _store_needs(name, kind, users.get(name, ()), first, of_server)
    if not shape.direct:
        for (source, target), target_ports in linked.items():
            own = local_access.port(system, target) if known and target in kinds else None
            is_first = own and source == first_users.get(target)
            for port_name in target_ports:
                key = edge_key(source, target, port_name)
                yield _known(key, target, own) if is_first else PortNeed(key, None)


def _known(key: str, store: str, port: int | None) -> PortNeed:
    return PortNeed(key, port, fixed=True, store=store)


def _store_needs(
    store: str, kind: StoreKind, users: Sequence[str], first: str, known: int | None
) -> Iterator[PortNeed]:
    main = kind.port_for(first) if first else kind.clients
    for port_name in (*kind.ports, *(map(kind.port_for, users) if kind.port_per_user else ())):
        key = store_key(store, port_name)
        is_known = known is not None and port_name == main
        yield _known(key, store, known) if is_known else PortNeed(key, kind.ports.get(port_name))


def _entry_needs(system: System, shape: RunShape) -> Iterator[PortNeed]:
    for label, port in system.file.entry.items():
        yield PortNeed(service_key(ENTRY, entry_port(label)), port)
        if not shape.direct:
            yield PortNeed(instance_key(ENTRY, 1, entry_port(label)), None)
