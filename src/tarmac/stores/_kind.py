"""What a store kind must say; the one thing that a file in this folder imports from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tarmac.launch import File, Launch, Probe, Secret, Text, text

#: The provider whose servers run elsewhere: they are only spoken to.
EXTERNAL = "external"
#: The same in a cloud that gives each user a login of its own there.
MANAGED = "managed"
#: Reads how a server is, for who watches it; no service's name has a dot.
MONITOR = "tarmac.monitor"


@dataclass(frozen=True)
class Wheel:
    """A program inside an installed Python distribution."""

    distribution: str
    #: Ends the path of one of the distribution's files, e.g. `pginstall/bin/postgres`.
    path: str


@dataclass(frozen=True)
class Module:
    """A Python module of Tarmac's own, run by its interpreter."""

    name: str
    #: The distribution whose version stands for the program's.
    distribution: str


@dataclass(frozen=True)
class Binary:
    """A program of this machine, on PATH or where distributions keep it.

    A provider's first one decides: the others are taken from beside it if they are there.
    """

    name: str
    #: Folders to look in after PATH, as globs, {cache} for Tarmac's own; of several versions in
    #: them the newest is first.
    folders: tuple[str, ...] = ()
    #: Arguments that make it print its version; without any, what its folder has at the star is it.
    version: tuple[str, ...] = ("--version",)
    #: The oldest that does what the kind relies on; an older one does not count as found.
    oldest: str = ""
    #: The first that does not any more; "": none.
    below: str = ""
    #: Whether PATH is looked at: not where what stands there is another's front for the program.
    on_path: bool = True
    #: Names of programs that do the same where this one is absent.
    or_else: tuple[str, ...] = ()

    def takes(self, version: tuple[int, ...]) -> bool:
        """Tell whether a version does what the kind relies on."""
        return numbers(self.oldest) <= version and (not self.below or version < numbers(self.below))


@dataclass(frozen=True)
class Image:
    """A container image for a Docker daemon to run."""

    name: str
    #: The tag for whoever asks for no version; a version that is asked for is a tag itself.
    tag: str


@dataclass(frozen=True)
class Home:
    """A folder with a program that another one runs: where a variable says, or where it is kept."""

    #: The environment's variable that names it, e.g. KAFKA_HOME.
    variable: str
    #: One of its files; what stands at the star is the version.
    holds: str
    #: Folders to look in otherwise, as globs, the newest version first; {cache}: Tarmac's own.
    folders: tuple[str, ...] = ()
    #: The oldest that does what the kind relies on; an older one does not count as found.
    oldest: str = ""


Program = Wheel | Module | Binary | Image | Home


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
        """The service's name where dashes are not allowed."""
        return self.service.replace("-", "_")


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
class View:
    """What is known of one store when its launch and outputs are computed."""

    name: str
    host: str
    ports: Mapping[str, int]
    database: str
    admin: Secret
    users: tuple[User, ...]
    #: Whoever gives no password is served as well.
    passwordless: bool = False
    #: What one user makes belongs to all of them.
    shared: bool = False
    #: The password of who only reads how the server is; None: nobody does.
    monitor: Secret | None = None
    #: Where clients reach a port, if it is not the port itself: a wire stands before it.
    advertised: Mapping[str, int] = field(default_factory=dict)
    size: Size | None = None

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


@dataclass(frozen=True)
class Offer:
    """A provider on this machine: its programs' full command lines by name, and its version."""

    provider: str
    programs: Mapping[str, tuple[str, ...]]
    version: str
    #: The kind that really answers: another than was asked for where one stands in.
    kind: str = ""
    #: The container image with its tag, for a provider that runs one.
    image: str = ""
    #: Where it is, for one that runs elsewhere.
    address: Address | None = None
    #: Variables that its programs need of the one who runs Tarmac: where Docker's daemon is.
    env: Mapping[str, str] = field(default_factory=dict)
    #: What its user must know of it: that it differs, or is past its end of life.
    note: str = ""

    @property
    def numbers(self) -> tuple[int, ...]:
        """The version as numbers, to compare: 15.18 is (15, 18)."""
        return numbers(self.version)

    def fits(self, asked: str | None) -> bool:
        """Tell whether it is the version that was asked for: 15.18 is a 15."""
        return asked is None or f"{self.version}.".startswith(f"{asked}.")


def numbers(version: str) -> tuple[int, ...]:
    """Read the numbers at the start of a version; none for one that is not known."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, found[0].split("."))) if found else ()


def no_note(offer: Offer) -> str:  # noqa: ARG001 - one shape for all
    """Say nothing of an offer."""
    return ""


@dataclass(frozen=True)
class Container:
    """A server in a container of its own: by Docker here, by Compose, in a cluster."""

    #: Its argv is the command in the container; paths there are the container's.
    launch: Launch
    #: The port in the container, by the name of the one outside it.
    ports: Mapping[str, int]
    #: The path in the container, by the path in the node's folder. Data is in `data`.
    mounts: Mapping[str, str]
    #: It starts as root as it comes, and then gives that up; another user of the image's own could
    #: not read what belongs to root.
    starts_as_root: bool = True
    #: Who it runs as, by number, where it may not start as root.
    user: int = 999
    #: Passes when it serves, asked from inside or by the cluster; None: its port is asked.
    ready: Probe | None = None
    #: Folders that its image writes to besides its data and /tmp; nothing in them outlives it.
    scratch: tuple[str, ...] = ()
    #: It takes no folder of data that is another user's, even if it may write there; its image has
    #: `mkdir` to make one.
    owns_data: bool = False


#: (view, what was found, fast) -> the container.
Contain = Callable[[View, Offer, bool], Container]


@dataclass(frozen=True)
class Script:
    """What sets a server up from another container of its image, once it is up; repeatable."""

    #: Files are below /setup.
    argv: tuple[str, ...]
    files: tuple[File, ...]
    env: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True)
class Provider:
    """One way to have the store on this machine."""

    id: str
    programs: Mapping[str, Program]
    #: (view, what was found, fast) -> how to start it; fast gives up durability for tests.
    launch: Callable[[View, Offer, bool], Launch]
    #: What to do on a machine that lacks it.
    get: str = "install Tarmac with its dependencies (pip install --force-reinstall tarmac)"
    note: Callable[[Offer], str] = no_note
    #: What a reader calls its server, where that is another program than the kind's.
    title: str = ""
    #: It differs in what it promises: taken only by who asks for it.
    on_request: bool = False
    #: The same for one in a container of its own, wherever that runs.
    container: Contain | None = None


#: Computes one output of a store for one user of it.
Output = Callable[[View, User], Text]


def outputs(url: Output, *, port: str, database: bool = False) -> dict[str, Output]:
    """List what every server with users offers: url, host, port, user, password.

    Args:
        url: the whole address with user and password.
        port: the name of the port that clients connect to.
        database: it also names a database.
    """
    offered: dict[str, Output] = {
        "url": url,
        "host": lambda view, user: text(view.host),
        "port": lambda view, user: text(str(view.port_of(user, port))),
        "user": lambda view, user: text(user.role),
        "password": lambda view, user: (user.password,),
    }
    if database:
        offered["database"] = lambda view, user: text(view.database)
    return offered


@dataclass(frozen=True)
class Shell:
    """A program in which a person talks to a store."""

    #: Its names on PATH, the best first.
    programs: tuple[str, ...]
    #: Its arguments; {host}, {port}, {user} and {path}, a URL's path, stand for the parts of a URL.
    arguments: tuple[str, ...]
    #: The variable that it takes the password from: a command line can be read by anybody.
    password: str


#: What is said to a server, without I/O: yields what to send (or nothing) and is given what it
#: answered since; for a secret that it yields, its value. Returns what came of it.
Dialogue = Generator[Text | bytes | Secret, bytes, Any]


@dataclass(frozen=True)
class Conversation:
    """How what a server holds is put back: its own protocol, spoken with its administrator."""

    #: The name of the port on which it is spoken.
    port: str
    #: Makes a copy of what it holds now, and returns that.
    keep: Callable[[View], Dialogue]
    #: Has it hold what `keep` returned, and nothing else.
    put_back: Callable[[View, Any], Dialogue]


@dataclass(frozen=True)
class Exporter:
    """What tells how a server is in a cluster, in the words of Prometheus."""

    #: As assets/signals.yaml calls it.
    id: str
    #: Where it listens, in the server's pod.
    port: int
    #: The program beside the server, from versions.yaml; "": the server itself does it.
    image: str = ""
    #: What that program is given; {database} stands for the store's.
    env: Mapping[str, str] = field(default_factory=dict)
    #: The variable from which it takes the password of who only reads; "": it needs none.
    password: str = ""
    #: Its arguments; $(NAME) stands for one of its variables.
    args: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rows:
    """What a server holds is put back row by row, over the kind's `sql_url`."""


@dataclass(frozen=True)
class StoreKind:
    """A kind of store or broker."""

    id: str
    #: What a reader calls it, e.g. PostgreSQL.
    title: str
    #: Ports it listens on: name -> the one to prefer, or None for any that is free.
    ports: Mapping[str, int | None]
    #: Output name -> its text for a user, e.g. url, host, port.
    outputs: Mapping[str, Output]
    providers: tuple[Provider, ...]
    #: The name of the port that clients connect to.
    clients: str
    #: It tells its clients where to connect, so each user has a port of its own, which says of
    #: itself where that user's wire listens; otherwise they would go past their wires.
    port_per_user: bool = False
    #: The last version that every newer server serves as it is, so that nothing is said; "": none.
    served_by_newer: str = ""
    #: It can serve those who give no password.
    passwordless: bool = False
    #: It carries topics.
    broker: bool = False
    #: Kinds that may answer in its place to services of the kit, which speak to either; a
    #: broker's are brokers, a store's are stores.
    stand_ins: tuple[str, ...] = ()
    #: URL schemes of a server that runs elsewhere, each with its default port.
    external: Mapping[str, int] = field(default_factory=dict)
    #: How its users and what they need are made where no `Launch` is carried out: in a cluster.
    script: Callable[[View], Script] | None = None
    #: It answers SQL: seeds and invariants can be run in it by this URL of its administrator.
    sql_url: Callable[[View], Text] | None = None
    #: The administrator's name; empty where there is none.
    admin: str = ""
    #: What tells how it is where an environment is watched.
    exporter: Exporter | None = None
    #: How a person talks to it.
    shell: Shell | None = None
    #: A page that a person can open: port name and path.
    page: tuple[str, str] | None = None
    #: How it goes back to what it held, while its users stay connected; None: it cannot.
    reset: Conversation | Rows | None = None
    #: Bytes that each connection takes of its server; 0: so few that nobody counts them.
    connection_bytes: int = 0
    #: The extra of the kit that its users need besides, e.g. a client of its protocol.
    extra: str = ""
    #: What `--fast-stores` gives up, for the line that says so.
    fast_gives_up: str = ""
    #: How the readiness of the kit's services calls the check that asks it.
    check: str = ""
    #: They are not ready without it.
    needed: bool = True

    def port_for(self, user: str) -> str:
        """Name the port that a user connects to."""
        return own_port(user) if self.port_per_user else self.clients

    def serves(self, asked: str | None, offer: Offer) -> bool:
        """Tell whether who asks for a version finds nothing amiss with the one that answers."""
        older = asked is not None and numbers(asked) <= numbers(self.served_by_newer)
        return offer.fits(asked) or (older and numbers(asked or "") <= offer.numbers)


def external_secret(store: str, output: str) -> Secret:
    """Name what the URL of a store's server elsewhere holds: its url, user or password."""
    return Secret(f"stores/{store}/{EXTERNAL}/{output}")


def external_outputs(kind: StoreKind, store: str, address: Address) -> dict[str, Text]:
    """Compute what a server elsewhere offers; the same to every user, who share its one URL."""
    known = {name: text(external_secret(store, name)) for name in ("url", "user", "password")}
    known |= {"host": text(address.host), "port": text(str(address.port))}
    known["database"] = text(address.path)
    return {name: value for name, value in known.items() if name in kind.outputs}


def managed_outputs(kind: StoreKind, store: str, user: str) -> dict[str, Text]:
    """Compute what a server that the cloud manages offers to one user: all of it is secret.

    Where it stands is known only once it has been made, so that comes with the password.
    """
    return {name: text(Secret(f"stores/{store}/{user}/{name}")) for name in kind.outputs}
