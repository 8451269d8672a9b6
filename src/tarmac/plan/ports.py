"""Which ports a system needs here; `local` finds free ones, `resolve` uses them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tarmac.model.system import System
from tarmac.stores._kind import StoreKind

BROKER = "broker"
#: Where a service without a port of its own answers health and metrics: never offered to others.
HEALTH = "health"


@dataclass(frozen=True)
class PortNeed:
    """A port that something listens on."""

    key: str
    #: The port that the model names or the kind prefers; None: any.
    preferred: int | None
    #: The service can only listen on this very port.
    fixed: bool = False


def service_key(service: str, port: str) -> str:
    """Name a service's port among the facts."""
    return f"services/{service}/{port}"


def store_key(store: str, port: str) -> str:
    """Name a store's port among the facts."""
    return f"stores/{store}/{port}"


def needs(system: System, kinds: Mapping[str, StoreKind]) -> Iterator[PortNeed]:
    """Yield every port that the system needs, services first: theirs are the ones people know."""
    for name, service in system.file.services.items():
        for port_name, port in service.listening.items():
            yield PortNeed(service_key(name, port_name), port, service.listen == "fixed")
        if not service.listening and system.is_kit(name):
            yield PortNeed(service_key(name, HEALTH), None)
    stores = {name: store.kind for name, store in system.file.stores.items()}
    if system.file.broker is not None:
        stores[BROKER] = system.file.broker.kind
    for name, kind in stores.items():
        if kind in kinds:
            for port_name, preferred in kinds[kind].ports.items():
                yield PortNeed(store_key(name, port_name), preferred)
