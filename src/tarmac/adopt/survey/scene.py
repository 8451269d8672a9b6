"""What is known of a repository while its services are settled one after the other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import takewhile

from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Service, Store, port_number, valid_name
from tarmac.model.value import DATABASE

#: What may be the name of a host in a value.
_HOST = re.compile(r"[\w.-]+")
#: Databases that every server has, and names that a database can have here.
_SERVERS_OWN = frozenset({"postgres", "template1", "mysql", "admin", "test"})
#: What examples write for a host: `myhost`, `your-db-host`, `host`.
_PLACEHOLDER = re.compile(r"(?:(?:my|your|some|the)[-_]?)?(?:\w{1,20}[-_])?host(?:[-_]?name)?")
_DATABASE = re.compile(DATABASE)
#: How a store says that its server has other databases beside it.
_ANOTHER = "another database of "


@dataclass(frozen=True)
class ServiceNames:
    """The services by what variables call them, each list in the services' order."""

    #: By the name without `-service` and the like.
    plain: Mapping[str, list[str]]
    #: By each end of that with three characters or more.
    ending: Mapping[str, list[str]]


@dataclass
class Scene:
    """What is known while the services are settled one after the other."""

    services: dict[str, Service]
    stores: dict[str, Store]
    broker: Store | None
    #: Host -> its ports, and where they are published on this machine.
    unknown_hosts: dict[str, Mapping[str, str]]
    kinds: frozenset[str]
    #: No file names the stores: those that the code asks for are added.
    may_add: bool
    waits: dict[str, set[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    #: Store -> the database that was asked for first.
    _first_databases: dict[str, str] = field(default_factory=dict)
    #: The code of one names the host of another.
    names: bool = False
    #: Kind -> the server that only a profile of the file starts.
    held: Mapping[str, Store] = field(default_factory=dict)
    #: (kind, port) -> the store that code expects there.
    at_ports: dict[tuple[str, str], str] = field(default_factory=dict)

    def may_call(self, source: str, target: str) -> bool:
        """Note that one calls the other, unless that one waits for it already."""
        seen, todo = set(), [target]
        while todo:
            name = todo.pop()
            if name == source:
                return False
            seen.add(name)
            todo += self.waits.get(name, set()) - seen
        self.waits.setdefault(source, set()).add(target)
        return True

    @cached_property
    def ports(self) -> Counter[int]:
        """Count the services that listen on a number."""
        return Counter(
            port for service in self.services.values() for port in service.ports.values()
        )

    @cached_property
    def called(self) -> ServiceNames:
        """Find services by what variables call them; which services there are does not change."""
        plain: dict[str, list[str]] = {}
        ending: dict[str, list[str]] = {}
        for name in self.services:
            text = re.sub(r"-?(service|svc|server|app)$", "", name).replace("-", "")
            plain.setdefault(text, []).append(name)
            for start in range(len(text) - 2):
                ending.setdefault(text[start:], []).append(name)
        return ServiceNames(plain, ending)

    @cached_property
    def _by_word(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in self.services:
            found.setdefault(_word(name), []).append(name)
        return found

    @property
    def kinds_there(self) -> frozenset[str]:
        """The kinds of the stores that the system has so far."""
        return frozenset(store.kind for store in self.stores.values())

    def hosts_in(self, value: str) -> list[str]:
        """List the names of services, stores and hosts that may be in a value, longest first."""
        words = {_word(word) for word in (*_HOST.findall(value), value, value.lower())}
        names = [*self.stores, *self.unknown_hosts]
        if self.broker is not None:
            names.append(self.broker.name)
        found = [name for word in words for name in self._by_word.get(word, ())]
        found += [name for name in names if _word(name) in words or not _HOST.fullmatch(name)]
        return sorted(found, key=lambda name: (-len(name), name))

    def published(self, host: str, port: str) -> str:
        """Find where a port of an unknown host is on this machine; without a port, the first."""
        ports = self.unknown_hosts[host]
        return ports.get(port, port) if port else next(iter(ports.values()), "")

    def find_store(self, kind: str) -> Store | None:
        """Find the store or broker of a kind."""
        if self.broker is not None and self.broker.kind == kind:
            return self.broker
        return next((store for store in self.stores.values() if store.kind == kind), None)

    def own_store(self, kind: str, service: Service, variable: str = "") -> Store | None:
        """Find the store of a kind that a service uses: of several, the one that is its own.

        Its variable names that one, or it depends on it, or both are called alike: orders-db of
        orders-service.
        """
        alike = [store for store in self.stores.values() if store.kind == kind]
        said = variable.upper()
        if told := [one for one in alike if one.name.upper().replace("-", "_") in said]:
            return max(told, key=lambda one: len(one.name))
        # What it is told already of one of them goes before all that it waits for.
        values = [*service.env.values()] if len(alike) > 1 else []
        known = [
            one
            for one in alike
            if one.name in values or any(f"${{stores.{one.name}." in value for value in values)
        ]
        if len(known) == 1:
            return known[0]
        named = [store for store in alike if store.name in (*service.calls, *service.stores)]
        if len(named) != 1 and alike:
            shared = {store.name: _begin_alike(store.name, service.name) for store in alike}
            most = max(shared.values())
            named = [store for store in alike if most and shared[store.name] == most]
        return named[0] if len(named) == 1 and len(alike) > 1 else self.find_store(kind)

    def only_store(self, kind: str) -> Store | None:
        """Find the store or broker of a kind, where there is one server of that kind alone."""
        alike = [store for store in self._servers() if store.kind == kind]
        return self.find_store(kind) if len(alike) < 2 else None

    def _servers(self) -> Iterator[Store]:
        """Yield the stores, one for all databases of a server."""
        for store in self.stores.values():
            if not any(remark.startswith(_ANOTHER) for remark in store.remarks):
                yield store

    def adds(self, server: servers.Server) -> bool:
        """Tell whether a server that a program names on this machine is a store of its own.

        A file that lists a cache alone says nothing of the database or the broker beside it.
        """
        is_database = server.databases and server.seeds
        known = any(servers.of_kind(store.kind).seeds for store in self.stores.values())
        is_broker = server.broker and self.broker is None
        is_held = server.kind in self.held and not (server.broker or is_database)
        return self.may_add or is_broker or is_held or (is_database and not known)

    def is_placeholder(self, host: str) -> bool:
        """Tell whether a host of a file of variables stands for one that its reader fills in."""
        known = {*self.services, *self.stores, *self.unknown_hosts}
        return host not in known and _PLACEHOLDER.fullmatch(host.lower()) is not None

    def only_database(self) -> Store | None:
        """Find the one database of the system; None where it has several or none."""
        found = [s for s in self._servers() if servers.of_kind(s.kind).seeds]
        return found[0] if len(found) == 1 else None

    def with_database(self, store: Store, database: str) -> Store:
        """Return the store that holds a database; another one of a server is a store of its own."""
        if not database or database in _SERVERS_OWN or store is self.broker:
            return store
        main = store.database or self._first_databases.setdefault(store.name, database)
        if database == main or not _DATABASE.fullmatch(database):
            return store
        name = valid_name(f"{store.name}-{database}")
        if name not in self.stores and name not in self.services:
            remark = f"{_ANOTHER}{store.name}'s server"
            self.stores[name] = replace(
                store, name=name, database=database, init=(), remarks=(remark,)
            )
        return self.stores.get(name, store)

    def database_of(self, store: Store) -> str:
        """Name the database that a store holds, as its programs first asked for it."""
        return store.database or self._first_databases.get(store.name, "")

    def place_of_volume(self, service: Service, name: str) -> str:
        """Say where a volume is; one that programs of a folder share is in that, for each."""
        place = service.volumes.get(name)
        others = (one for one in self.services.values() if one.name != service.name)
        is_shared = any(
            one.folder == service.folder and name in one.mounts and one.volumes.get(name) == place
            for one in others
        )
        return place if place and is_shared else f"${{volumes.{name}.path}}"

    def store_named(self, host: str) -> Store | None:
        """Find the store or broker that a host is."""
        if self.broker is not None and self.broker.name == host:
            return self.broker
        return self.stores.get(host) or self.stores.get(host.lower().replace("_", "-"))


def _begin_alike(one: str, other: str) -> int:
    """Count the words that two names begin with."""
    pairs = zip(one.split("-"), other.split("-"), strict=False)
    return len([*takewhile(lambda pair: pair[0] == pair[1], pairs)])


def _word(name: str) -> str:
    return name.replace("-", "_")


def port_prefix(service: Service, port: str) -> str:
    """Return a port's prefix in references: empty for the first one."""
    name = service.known_as.get(port_number(port))
    first = next(iter(service.ports), "http")
    return f"{name}_" if name and name != first else ""


def store_for(
    server: servers.Server, service: Service, scene: Scene, port: str = ""
) -> Store | None:
    """Add the store that a program's code asks for.

    Args:
        port: where the code expects it; servers at different ports are different ones.
    """
    if server.kind not in scene.kinds:
        return None
    name, place = server.shows.store_name or server.kind, (server.kind, port)
    if known := scene.find_store(server.kind):
        elsewhere = any(kind == server.kind for kind, _ in scene.at_ports)
        if place in scene.at_ports:
            return scene.stores[scene.at_ports[place]]
        if not port or server.broker:
            return known
        if not elsewhere:
            scene.at_ports[place] = known.name
            return known
        name = valid_name(f"{service.name}-{name}")
    asks = f"{service.name} asks for it"
    store = Store(name, server.kind, remarks=(asks,))
    if (held := scene.held.get(server.kind)) and name == (server.shows.store_name or server.kind):
        remark = f"{asks}, and only a profile of the compose file starts it"
        store = replace(held, remarks=(*held.remarks, remark))
    if store.name in scene.services:
        store = replace(store, name=f"{store.name}-store")
    if server.broker:
        scene.broker = store
        return store
    scene.stores[store.name] = store
    if port:
        scene.at_ports[place] = store.name
    return store
