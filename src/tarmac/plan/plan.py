"""The plan: what runs, with which settings, in which order. Plain data, read by every target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tarmac.base.launch import Launch, Secret, Text

if TYPE_CHECKING:
    from tarmac.catalog.stores.kind import Shell
    from tarmac.model.edge import Edge


@dataclass(frozen=True)
class Seed:
    """A file of first data for a store that answers SQL, run once as one of its users."""

    file: str
    store: str
    url: Text
    #: What must be up first: the service whose tables it fills, or the store itself.
    service: str

    @property
    def is_init(self) -> bool:
        """Whether it makes the tables, before any service connects."""
        return self.service == self.store


@dataclass(frozen=True)
class EdgeProxy:
    """An edge, and the listener of the runtime that stands in it."""

    #: A service, or `world` for a port that the model names.
    source: str
    target: str
    #: The name of the target's port.
    port: str
    #: Where its users connect; 0: to the target itself, there is no wire.
    listen: int
    #: Where else: the addresses of its names, with their ports.
    named: tuple[tuple[str, int], ...] = ()
    #: The target may listen at these ports at all addresses: its names wait until it does.
    late: bool = False

    @property
    def id(self) -> str:
        """Name it: `api-gateway->order-service:http`."""
        return f"{self.source}->{self.target}:{self.port}"


@dataclass(frozen=True)
class CallerEdge:
    """A service that presents a caller token, and the one that checks it."""

    caller: str
    callee: str


@dataclass(frozen=True)
class Access:
    """How a person gets into a store."""

    store: str
    #: What a reader calls its kind.
    title: str
    #: URL by user; the administrator, where there is one, is the empty name.
    urls: Mapping[str, Text]
    shell: Shell | None


@dataclass(frozen=True)
class Node:
    """One process that runs: an instance of a service, a store, the broker, a task, the entry."""

    name: str
    role: Literal["service", "store", "broker", "task", "entry"]
    #: What it is, for a reader: `PostgreSQL 18.6 (embedded)`, `tarmac_orders`.
    about: str
    launch: Launch
    #: The service or store that it is an instance of, and which of its instances, from 1.
    service: str
    number: int = 1
    #: Must be ready before this one is started; services and stores, not instances.
    after: tuple[str, ...] = ()
    #: Must be ready before this one counts as healthy; likewise.
    needs: tuple[str, ...] = ()
    #: Where it listens itself, by the port's name.
    ports: Mapping[str, int] = field(default_factory=dict)
    #: Where a person or another program reaches it; empty for a worker.
    url: str = ""
    #: A page that a person can open.
    page: str = ""
    #: What the page asks for; its link carries it as `token`.
    page_secret: Secret | None = None
    #: Where it would stand in a cluster: what a lost machine or zone takes away with it.
    zone: str = ""
    machine: str = ""
    #: It is started elsewhere: only its health is checked.
    outside: bool = False
    #: It was stopped while the rest runs: nothing starts it.
    stopped: bool = False
    #: A task with a schedule runs when it is due (cron's five fields, UTC); without, once.
    schedule: str = ""
    #: Where each variable comes from: `file:line:col`, or a rule in words.
    origins: Mapping[str, str] = field(default_factory=dict)

    def page_link(self, secrets: Mapping[str, str]) -> str:
        """Write the address of the page with what it asks for."""
        if self.page_secret is None:
            return self.page
        return f"{self.page}?token={secrets[self.page_secret.path]}"

    @property
    def listening(self) -> frozenset[int]:
        """The ports where it listens itself, its health's among them."""
        probed = (getattr(probe, "port", None) for probe in (self.launch.booted, self.launch.ready))
        return frozenset((*self.ports.values(), *(port for port in probed if port is not None)))


@dataclass(frozen=True)
class Plan:
    """A system resolved for one environment and one machine."""

    system: str
    environment: str
    namespace: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    wires: tuple[EdgeProxy, ...]
    secrets: tuple[Secret, ...]
    seeds: tuple[Seed, ...]
    access: tuple[Access, ...]
    #: What a reader must know: a port that moved, a version that differs, durability given up.
    notes: tuple[str, ...]
    caller_edges: tuple[CallerEdge, ...] = ()

    def node(self, name: str) -> Node:
        """Find a node. Raises KeyError."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    @property
    def interpreters(self) -> tuple[str, ...]:
        """List the interpreters that are to be loaded for forks."""
        return tuple(sorted({n.launch.forked.python for n in self.nodes if n.launch.forked}))

    @property
    def slowest_s(self) -> float:
        """Say how long the slowest node may take until it is ready; a task takes what it takes."""
        return max((n.launch.ready_within_s for n in self.nodes if n.role != "task"), default=0.0)

    def instances(self, service: str) -> tuple[Node, ...]:
        """List the nodes of a service or store."""
        return tuple(n for n in self.nodes if n.service == service and n.role != "task")
