"""What is known of one store of a system: its users, ports, secrets and size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tarmac.base.launch import Secret

#: The provider whose servers run elsewhere: they are only spoken to.
EXTERNAL = "external"
#: The same in a cloud that gives each user a login of its own there.
MANAGED = "managed"
#: The user that reads how a server is, for monitoring; no service's name has a dot.
MONITOR = "tarmac.monitor"


@dataclass(frozen=True)
class User:
    """A service that uses the store, with a password of its own."""

    service: str
    password: Secret
    publishes: tuple[str, ...] = ()
    consumes: tuple[str, ...] = ()
    #: By topic, its parts that consume it: each does so for itself.
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Not of the kit: it names keys, channels, subjects and queues as it likes.
    foreign: bool = False
    #: It reads the log of changes, and every table.
    replication: bool = False
    #: It logs in by users that live for a while only; this one owns what they make.
    leased: bool = False
    #: The store, where its server has others beside it: the login is of that store alone.
    store: str = ""
    #: The name with which programs log in by themselves, where that is not the service's.
    name: str = ""
    #: It logs in by its second name, whose password was made while the first one's still held.
    second: bool = False

    @property
    def taken(self) -> tuple[tuple[str, str], ...]:
        """Each group and topic of which a broker has to keep the messages; part or service."""
        return tuple(
            (group, topic)
            for topic in self.consumes
            for group in self.parts.get(topic) or (self.service,)
        )

    @property
    def role(self) -> str:
        """The service's name where dashes are not allowed, with the store's where it has one."""
        own = ".".join(filter(None, (self.service, self.store))).replace("-", "_")
        return self.name or own

    @property
    def login(self) -> str:
        """The name with which it logs in; what it makes belongs to `role`."""
        return f"{self.role}.second" if self.second else self.role


@dataclass(frozen=True)
class Size:
    """How large a server is made; without one it is made for a laptop, where many stand."""

    #: The most that its container may take.
    memory_bytes: int
    #: The most that it accepts; 0: as many as its kind does by itself.
    connections: int = 0

    def part(self, share: float) -> str:
        """Write a share of the memory in whole MiB."""
        return str(int(self.memory_bytes * share) // 1024**2)


@dataclass(frozen=True)
class StoreContext:
    """What is known of one store when its launch and outputs are computed."""

    name: str
    host: str
    ports: Mapping[str, int]
    database: str
    admin: Secret
    users: tuple[User, ...]
    #: A client that gives no password is served as well.
    passwordless: bool = False
    #: What one user makes belongs to all of them.
    shared: bool = False
    #: The password of the user that only reads how the server is; None: there is none.
    monitor: Secret | None = None
    #: Where clients reach a port, if it is not the port itself: a wire is in between.
    advertised: Mapping[str, int] = field(default_factory=dict)
    size: Size | None = None
    #: Files of SQL that its set-up loads once, as its first user: name -> content. None here, where
    #: Tarmac loads them itself.
    init: Mapping[str, str] = field(default_factory=dict)
    #: The server that the cloud keeps and on which other stores may be; "": it has its own.
    server: str = ""

    def port_of(self, user: User, otherwise: str) -> int:
        """Find the port that is a user's alone, or else the one of that name."""
        return self.ports.get(own_port(user.service), self.ports[otherwise])


def own_port(user: str) -> str:
    """Name the port that is one user's alone."""
    return f"for-{user}"


@dataclass(frozen=True)
class Address:
    """Where a server that runs elsewhere listens."""

    host: str
    port: int
    #: The path of its URL without the slash: a database's name, a virtual host.
    path: str = ""
