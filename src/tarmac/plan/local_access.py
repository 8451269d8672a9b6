"""What programs know of a store by themselves, on a developer's machine: `local` of the model.

A fixed port is that of the wire of the first service that uses the store, so that its traffic is
seen like any other; a fixed login is that service's. No environment has either.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from tarmac.base.errors import Problem
from tarmac.base.launch import Secret, StoreSecret

if TYPE_CHECKING:
    from tarmac.catalog.stores.kind import StoreKind, User
    from tarmac.model.store import Broker, LocalAccess, Store
    from tarmac.model.system import System

BROKER = "broker"
#: A name of this machine leads there first, where it has IPv6.
LOOPBACK_6 = "::1"


def known(system: System, store: str) -> LocalAccess | None:
    """Read what programs know of a store, or of the broker."""
    if store == BROKER:
        return system.file.broker.local if system.file.broker else None
    return system.file.stores[store].local if store in system.file.stores else None


def port(system: System, store: str) -> int | None:
    """Read the port that programs know."""
    access = known(system, store)
    return access.port if access else None


def first_users(system: System, links: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Name for each store the service whose login and wire programs know: the first in the file.

    Args:
        links: the connections, as (source, target).
    """
    order = {name: number for number, name in enumerate(system.file.services)}
    of_services = [link for link in links if link[0] in order]
    latest_first = sorted(of_services, key=lambda link: order[link[0]], reverse=True)
    return {target: source for source, target in latest_first}


def has_login(access: LocalAccess | None) -> bool:
    """Tell whether programs know a user or a password."""
    return access is not None and (access.user or access.password) is not None


def named(user: User, store: str, access: LocalAccess, kind: StoreKind) -> User:
    """Return a user as programs know it."""
    is_admin = access.user is not None and access.user == kind.admin
    own = Secret.of(StoreSecret(store, "admin" if is_admin else user.service))
    password = replace(own, is_known=access.password is not None)
    return replace(user, name=access.user or "", password=password, second=False)


def listeners(system: System, target: str) -> tuple[tuple[str, int], ...]:
    """List where a store's known wire listens besides, so that `localhost` leads to it."""
    number = port(system, target)
    return () if number is None else ((LOOPBACK_6, number),)


def problems(system: System, kinds: Mapping[str, StoreKind]) -> Iterator[Problem]:
    """Yield logins that a store cannot have, or cannot do without."""
    asked: dict[str, tuple[tuple[str, ...], Store | Broker]] = {
        name: (("stores", name), store) for name, store in system.file.stores.items()
    }
    if system.file.broker is not None:
        asked[BROKER] = ((BROKER,), system.file.broker)
    for path, entry in asked.values():
        access, kind_id, kind = entry.local, entry.kind, kinds.get(entry.kind)
        if kind is not None and entry.passwordless and not kind.passwordless:
            place = str(system.locate((*path, "passwordless")))
            what = "broker" if kind.broker else "store"
            yield Problem(
                place, f"a {what} of kind {kind_id} always requires a password; remove this line"
            )
        if access is None or kind is None:
            continue
        key = "user" if access.user else "password"
        place = str(system.locate((*path, "local", key)))
        if has_login(access) and "user" not in kind.outputs:
            yield Problem(place, f"a store of kind {kind_id} has no users; remove `{key}`")
        elif access.user and access.user == kind.admin and not kind.lends_admin:
            what = f"'{access.user}' is the administrator of {kind.title} here; take another name"
            yield Problem(place, what)
        if access.password == "" and not kind.empty_passwords:
            place = str(system.locate((*path, "local", "password")))
            instead = "`passwordless: true` instead" if kind.passwordless else "one"
            what = f"{kind.title} takes no empty password of a user; write {instead}"
            yield Problem(place, what)


def notes(system: System, stores: Iterable[str], here: Collection[str]) -> Iterator[str]:
    """Say of each store where programs find it by themselves, or that they do not.

    Args:
        here: the stores whose servers run here.
    """
    for store in stores:
        number = port(system, store)
        if number is not None and store in here:
            yield f"{store}: localhost:{number} leads to it, so one copy of this system runs here"
        elif number is not None:
            yield f"{store}: runs elsewhere, so localhost:{number} does not lead to it"
