"""The names by which programs reach what they use, where `hosts: true` asks for them.

Each edge has an address of its own in 127.0.0.0/8, where its wire listens on the port that the
target has elsewhere. A program sees the names of its own edges only, so two may know one name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from tarmac.model.edge import ENTRY
from tarmac.plan import local_access
from tarmac.plan.bindings import Bindings
from tarmac.plan.ports import BROKER

#: The second byte of the addresses: programs that take addresses of loopback begin at the low end.
FIRST, COUNT = 64, 64


def of_service(bindings: Bindings, service: str) -> Mapping[str, str]:
    """List the names that a service's programs see, and where each leads."""
    if not _are_wanted(bindings) or bindings.system.is_kit(service):
        return {}
    return {
        name: address(bindings, source, target)
        for source, target in bindings.links
        if source == service and target != service
        for name in _names_of(bindings, target)
    }


def listeners(
    bindings: Bindings, source: str, target: str, port: str
) -> tuple[tuple[str, int], ...]:
    """List where the wire of an edge listens besides its own port."""
    if not _are_wanted(bindings) or source == ENTRY or bindings.system.is_kit(source):
        return ()
    where = address(bindings, source, target)
    return tuple((where, number) for number in sorted(_known_ports(bindings, target, port)))


def address(bindings: Bindings, source: str, target: str) -> str:
    """Compute the address of an edge: the same at every start, another for every copy."""
    digest = hashlib.sha256(f"{bindings.facts.home} {source} {target}".encode()).digest()
    return f"127.{FIRST + digest[0] % COUNT}.{digest[1]}.{1 + digest[2] % 254}"


def _names_of(bindings: Bindings, target: str) -> tuple[str, ...]:
    """List what a target is called: `orders_db` is orders-db, and the broker is its kind, too.

    So is a store or the broker as `local` says.
    """
    kind = (bindings.asked_kind(target).id,) if target == BROKER else ()
    access = local_access.known(bindings.system, target)
    others = (*kind, *((access.host,) if access and access.host else ()))
    said = {name for name in others if name not in bindings.system.file.services}
    return (target, *sorted(said | ({target.replace("-", "_")} - {target})))


def _are_wanted(bindings: Bindings) -> bool:
    here = not bindings.facts.environment and not bindings.facts.shape.direct
    return bindings.system.file.hosts and here


def _known_ports(bindings: Bindings, target: str, port: str) -> set[int]:
    """Find by which numbers a target's port is known: the model's, and that in its container."""
    service = bindings.system.file.services.get(target)
    if service is None:
        kind = bindings.asked_kind(target)
        file = bindings.system.file
        store = file.broker if target == BROKER else file.stores[target]
        own = {store.local.port} if store and store.local and store.local.port else set[int]()
        return own | ({kind.fingerprint.port} if kind.fingerprint is not None else set())
    is_first = port == next(iter(service.listening))
    imaged = {service.image_port} if is_first and service.image_port is not None else set()
    return {service.listening[port], *imaged}
