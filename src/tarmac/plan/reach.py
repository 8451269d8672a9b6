"""Which connections a cluster must let through: those that declared edges need, and no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tarmac.model.edge import BROKER_KINDS, ENTRY
from tarmac.plan import ports
from tarmac.plan.bindings import Bindings
from tarmac.plan.cluster import AllowedConnection, ManagedStore, Workload


def allowed_connections(
    bindings: Bindings, workloads: Mapping[str, Workload], managed: tuple[ManagedStore, ...]
) -> Iterator[AllowedConnection]:
    """List the connections that the declared edges need, each once."""
    system = bindings.system
    elsewhere = {store.name: store for store in managed}
    seen: set[tuple[str, str, int]] = set()

    def once(edge: AllowedConnection) -> Iterator[AllowedConnection]:
        if (key := (edge.source, edge.target, edge.port)) not in seen:
            seen.add(key)
            yield edge

    for workload in workloads.values():
        for route in workload.routes:
            yield from once(
                AllowedConnection("world", workload.name, route.port, workload.role, workload.place)
            )
    for edge in bindings.edges:
        where = str(system.place(edge.source, edge.target)) if edge.source != ENTRY else ""
        if edge.kind == "external":
            external = system.file.externals[edge.target]
            yield from once(
                AllowedConnection(edge.source, edge.target, external.port, "external", where)
            )
        elif edge.kind == "call" and edge.target != edge.source:
            for port in dict.fromkeys(workloads[edge.target].ports.values()):
                yield from once(AllowedConnection(edge.source, edge.target, port, "service", where))
        elif edge.kind == "store" or edge.kind in BROKER_KINDS:
            store = edge.target if edge.kind == "store" else ports.BROKER
            if store in elsewhere:
                target = elsewhere[store]
                yield from once(
                    AllowedConnection(edge.source, store, target.port, "managed", where)
                )
            else:
                kind = bindings.kinds[store]
                number = bindings.facts.ports[ports.store_key(store, kind.port_for(edge.source))]
                yield from once(
                    AllowedConnection(edge.source, store, number, workloads[store].role, where)
                )
