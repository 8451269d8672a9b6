"""What each service is bound to: its stores and services, with their addresses and credentials."""

from __future__ import annotations

import copy
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from tarmac.base.errors import MissingTool
from tarmac.base.launch import Secret, ServerSecret, StoreSecret, Text, text
from tarmac.catalog.stores.kind import (
    MANAGED,
    ProviderCandidate,
    StoreContext,
    StoreKind,
    User,
    external_outputs,
    managed_outputs,
)
from tarmac.catalog.stores.made_servers import made_outputs
from tarmac.model.edge import BROKER_KINDS, ENTRY, Edge
from tarmac.plan import leases, local_access, ports

if TYPE_CHECKING:
    from tarmac.model.store import LocalAccess
    from tarmac.model.system import System
    from tarmac.plan.facts import MachineFacts
    from tarmac.plan.references import Outputs


def numbered(number: int) -> str:
    """Name a password among those that one user has had; 0 is the first, of a store here."""
    return f"password-{number}" if number else ""


class Bindings:
    """A system's stores and services seen from one machine, and what each offers to its users."""

    def __init__(self, system: System, facts: MachineFacts, kinds: Mapping[str, StoreKind]) -> None:
        self.system = system
        self.facts = facts
        #: All kinds of stores that there are.
        self.catalogue = kinds
        self.edges = system.edges
        self._edges_of: dict[str, list[Edge]] = {n: [] for n in (ENTRY, *system.file.services)}
        #: The callers of each service: `calls`, or a reference.
        self.calling: dict[str, list[str]] = {}
        #: What each service calls.
        self.called: dict[str, list[str]] = {}
        #: The edges to each store.
        self._edges_to: dict[str, list[Edge]] = {}
        for edge in self.edges:
            self._edges_of[edge.source].append(edge)
            if edge.kind == "call" and edge.source != edge.target:
                self.calling.setdefault(edge.target, []).append(edge.source)
                self.called.setdefault(edge.source, []).append(edge.target)
            elif edge.kind == "store":
                self._edges_to.setdefault(edge.target, []).append(edge)
        self._asked = {name: store.kind for name, store in system.file.stores.items()}
        if system.file.broker is not None:
            self._asked[ports.BROKER] = system.file.broker.kind
        #: The kind that answers, by store.
        self.kinds = {
            name: kinds[self.offer(name).kind or kind] for name, kind in self._asked.items()
        }
        #: Of these, the ones whose servers run here; the others are only spoken to.
        self.here = {
            name: kind for name, kind in self.kinds.items() if self.offer(name).address is None
        }
        self.links = ports.links(system, self.here)
        #: By store: the first of its users, whose wire and login programs may know.
        self.first_users = local_access.first_users(system, self.links)
        self._look()

    def _look(self) -> None:
        """View the stores by the present facts."""
        #: What services offer to others, by service, user and instance: several ask for each.
        self._offered: dict[tuple[str, str, int], Outputs] = {}
        self.views = {name: self._view(name) for name in self._asked}
        self._users = {
            (store, user.service): user for store, view in self.views.items() for user in view.users
        }

    def placed(self, facts: MachineFacts) -> Bindings:
        """Return the same with other facts of where servers listen and how large they are."""
        other = copy.copy(self)
        other.facts = facts
        other._look()  # noqa: SLF001 - its own class
        return other

    def asked_kind(self, store: str) -> StoreKind:
        """Find the kind that the model asks for; a substitute may answer."""
        return self.catalogue[self._asked[store]]

    def offer(self, store: str) -> ProviderCandidate:
        """Find what this machine has for a store. Raises MissingTool."""
        if store not in self.facts.offers:
            raise MissingTool(
                f"{store}: no provider on this machine for {self.asked_kind(store).title}; "
                f"install Tarmac with its dependencies (pip install --force-reinstall tarmac)"
            )
        return self.facts.offers[store]

    def asked_version(self, store: str) -> str | None:
        """Read which version the model asks for."""
        if store == ports.BROKER:
            return self.system.file.broker.version if self.system.file.broker else None
        return self.system.file.stores[store].version

    def stores_of(self, service: str) -> set[str]:
        """List the stores that a service uses and that run here, the broker among them."""
        used = {edge.target for edge in self._edges_of[service] if edge.kind == "store"}
        used |= {ports.BROKER} if self.uses_broker(service) else set()
        return used & self.here.keys()

    def uses_broker(self, service: str) -> bool:
        """Tell whether a service has topics, or refers to the broker."""
        return any(edge.kind in BROKER_KINDS for edge in self._edges_of[service])

    def calls_of(self, service: str) -> tuple[str, ...]:
        """List the services that a service calls, by declaration or by reference."""
        return tuple(edge.target for edge in self._edges_of[service] if edge.kind == "call")

    def own_port(self, service: str, number: int, port: str) -> int:
        """Find where an instance itself listens."""
        key = ports.own_key(self.system, service, number, port, self.facts.shape)
        return self.facts.ports[key]

    def listening(self, service: str, number: int) -> dict[str, int]:
        """List where an instance itself listens: its ports by name, or the one for its health."""
        names = tuple(self.system.file.services[service].listening)
        if not names and self.system.is_kit(service):
            names = (ports.HEALTH,)
        return {name: self.own_port(service, number, name) for name in names}

    def public_port(self, service: str, port: str) -> int:
        """Find the port that the world connects to."""
        return self.facts.ports[ports.service_key(service, port)]

    def public_url(self, service: str, port: str) -> str:
        """Compute the address, without a path, by which the world knows a service's port."""
        if service in self.facts.public_urls:
            return self.facts.public_urls[service]
        label = self.system.entrance(service)
        if label is not None and port == ports.main_port(self.system, service):
            public = self.facts.ports[ports.service_key(ENTRY, ports.entry_port(label))]
        else:
            public = self.public_port(service, port)
        return f"http://{self.facts.public_host}:{public}"

    def edge_port(self, source: str, target: str, port: str) -> int:
        """Find the port that one user of a service connects to: its wire's, if there are wires."""
        if self.facts.shape.direct or (source, target) not in self.links:
            return self.public_port(target, port)
        return self.facts.ports[ports.edge_key(source, target, port)]

    def store_outputs(self, store: str, service: str) -> Outputs:
        """Compute what a store offers to one of its users."""
        context = self.views[store]
        user = self._users[store, service]
        kind = self.kinds[store]
        if self.offer(store).provider == MANAGED:
            made = context.server
            managed = (
                made_outputs(kind, context, user) if made else managed_outputs(kind, store, service)
            )
            return leases.outputs(kind, context, user, managed)
        if (address := self.offer(store).address) is not None:
            return external_outputs(kind, store, address)
        if not self.facts.shape.direct:
            name = kind.port_for(service)
            port = self.facts.ports[ports.edge_key(service, store, name)]
            context = replace(context, ports={**context.ports, name: port})
        offered = {name: output(context, user) for name, output in kind.outputs.items()}
        return leases.outputs(kind, context, user, offered)

    def service_outputs(self, service: str, user: str, number: int = 1) -> Outputs:
        """Compute what a service offers to a service that refers to it, for each of its ports.

        The first port's outputs have plain names, every port's also `NAME_url` and so on. A service
        that refers to itself (its instance `number`) learns where it listens.
        """
        key = (service, user, number)
        if (known := self._offered.get(key)) is None:
            known = self._offered[key] = self._outputs_of(service, user, number)
        return known

    def _outputs_of(self, service: str, user: str, number: int) -> Outputs:
        # It reaches itself at its own address, whatever its name leads to.
        host = self.facts.host if user == service else self.facts.host_of(service)
        offered: dict[str, Text] = {}
        for name in self.system.file.services[service].listening:
            if user == service:
                port = self.own_port(service, number, name)
            else:
                port = self.edge_port(user, service, name)
            values = {
                "url": text(f"http://{host}:{port}"),
                "host": text(host),
                "port": text(str(port)),
                "address": text(f"{host}:{port}"),
                "public_url": text(self.public_url(service, name)),
            }
            offered.update({f"{name}_{key}": value for key, value in values.items()})
            offered = {**values, **offered}
        return offered

    def _replicates(self, edge: Edge) -> bool:
        slots = (sourced.part.slots.get(edge.slot) for sourced in self.system.parts[edge.source])
        return any(slot is not None and slot.replication for slot in slots)

    def _leased(self, edge: Edge) -> bool:
        """Tell whether a vault makes the user: one that reads the log of changes has to stay."""
        lends = self.facts.lease_s > 0 and self.kinds[edge.target].lease is not None
        return lends and not self._replicates(edge)

    def known_login(self, store: str, service: str) -> LocalAccess | None:
        """Return the login of a service that programs know by themselves, on this machine."""
        access = local_access.known(self.system, store)
        is_here = store in self.here and not self.facts.environment
        is_first = service == self.first_users.get(store)
        return access if local_access.has_login(access) and is_here and is_first else None

    def known_passwords(self) -> dict[str, str]:
        """Give the passwords of these logins that the model says, by the paths of their secrets."""
        return {
            user.password.path: access.password
            for store, view in self.views.items()
            for user in view.users
            if (access := self.known_login(store, user.service)) and access.password is not None
        }

    def user_with(self, store: str, user: User, number: int) -> User:
        """Return a user of a store here with that password of its own: the numbers go up."""
        rotation = self.kinds[store].rotation
        second = rotation is not None and rotation.alternates and number % 2 == 1
        password = Secret.of(StoreSecret(store, user.service, numbered(number)))
        return replace(user, password=password, second=second)

    def _view(self, store: str) -> StoreContext:
        server = self.facts.made.get(store, "")
        # Renewed by its number, so that whatever has the old one is replaced with it.
        kept = numbered(self.facts.passwords) if server else ""
        users = {
            edge.source: User(
                edge.source,
                Secret.of(StoreSecret(store, edge.source, kept)),
                foreign=not self.system.is_kit(edge.source),
                replication=self._replicates(edge),
                leased=self._leased(edge),
                store=store if server else "",
            )
            for edge in self._edges_to.get(store, ())
        }
        if store == ports.BROKER:
            users = {
                name: User(
                    name,
                    Secret.of(StoreSecret(store, name)),
                    service.publishes,
                    service.consumes,
                    {topic: self.system.consumers(name, topic) for topic in service.consumes},
                    foreign=not self.system.is_kit(name),
                )
                for name, service in self.system.file.services.items()
                if self.uses_broker(name)
            }
        kind = self.here.get(store)
        users = {
            name: self.user_with(store, user, self.facts.rotated.get((store, name), 0))
            if (store, name) in self.facts.rotated
            else user
            for name, user in users.items()
        }
        for name, user in users.items():
            if access := self.known_login(store, name):
                users[name] = local_access.named(user, store, access, self.kinds[store])
        own = {user: kind.port_for(user) for user in users} if kind and kind.port_per_user else {}
        wired = {} if self.facts.shape.direct else own
        database = None if store == ports.BROKER else self.system.file.stores[store].database
        return StoreContext(
            name=store,
            host=self.facts.host_of(store),
            ports={
                port: self.facts.ports[ports.store_key(store, port)]
                for port in (*(kind.ports if kind else ()), *own.values())
            },
            database=database or store.removesuffix("-db").replace("-", "_"),
            admin=self._admin(store, server, users.values()),
            users=tuple(users[name] for name in sorted(users)),
            passwordless=self._is_open(store),
            shared=store != ports.BROKER and self.system.file.stores[store].shared,
            advertised={
                port: self.facts.ports[ports.edge_key(user, store, port)]
                for user, port in wired.items()
            },
            size=self.facts.sizes.get(store),
            monitor=Secret.of(StoreSecret(store, "monitor")) if self.facts.watched else None,
            init=self._init(store) if self.facts.environment else {},
            server=server,
        )

    def _is_open(self, store: str) -> bool:
        """Tell whether a client that gives no password is served, where the store is now."""
        file = self.system.file
        entry = file.broker if store == ports.BROKER else file.stores[store]
        here_alone = self.kinds[store].passwordless == "here" and bool(self.facts.environment)
        return entry is not None and entry.passwordless and not here_alone

    def _admin(self, store: str, server: str, users: Iterable[User]) -> Secret:
        """Name the administrator's password: that of a user who is the same, where one is."""
        if server:
            return Secret.of(ServerSecret(server, f"admin-{self.facts.passwords}"))
        own = Secret.of(StoreSecret(store, "admin"))
        return next((user.password for user in users if user.password == own), own)

    def _init(self, store: str) -> dict[str, str]:
        """List the files of SQL that are loaded into a store, by names that keep their order."""
        files = self.system.file.stores[store].init if store != ports.BROKER else ()
        return {
            f"{number:02}-{posixpath.basename(file)}": self.system.sql.get(file, "")
            for number, file in enumerate(files, 1)
        }
