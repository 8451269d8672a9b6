"""What a store kind must say; the one thing that a file in this folder imports from it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from typing import Any, Literal

from tarmac.base.launch import Secret, StoreSecret, Text, text
from tarmac.catalog.stores.backup import ArchiveRule, StoreBackup
from tarmac.catalog.stores.contents import (
    LoadFile,
    Marks,
    ReadRows,
    RefusedFile,
    RowSnapshots,
    SqlFile,
    StoreContents,
    StoreMarks,
)
from tarmac.catalog.stores.context import (
    EXTERNAL,
    MANAGED,
    MONITOR,
    Address,
    Size,
    StoreContext,
    User,
    own_port,
)
from tarmac.catalog.stores.lease import UserLease
from tarmac.catalog.stores.programs import (
    Binary,
    Image,
    InstalledFolder,
    Module,
    Program,
    Wheel,
    numbers,
)
from tarmac.catalog.stores.provider import (
    Container,
    ContainerFactory,
    Provider,
    ProviderCandidate,
    Script,
    no_note,
)
from tarmac.catalog.stores.read_only import StoreReadOnly
from tarmac.catalog.stores.replication import StoreReplication
from tarmac.catalog.stores.rotation import StoreRotation
from tarmac.catalog.stores.snapshot import StoreSnapshot
from tarmac.catalog.stores.statistics import SqlStatistics, Statistic, StoreStatistics

__all__ = [
    "EXTERNAL",
    "MANAGED",
    "MONITOR",
    "Address",
    "ArchiveRule",
    "Binary",
    "Container",
    "ContainerFactory",
    "Exporter",
    "Fingerprint",
    "Image",
    "InstalledFolder",
    "LoadFile",
    "ManagedService",
    "Marks",
    "Module",
    "Output",
    "Program",
    "ProtocolScript",
    "Provider",
    "ProviderCandidate",
    "ReadRows",
    "RefusedFile",
    "RowReset",
    "RowSnapshots",
    "Script",
    "Shell",
    "Size",
    "SqlFile",
    "SqlStatistics",
    "Statistic",
    "StoreBackup",
    "StoreContents",
    "StoreContext",
    "StoreKind",
    "StoreMarks",
    "StoreReadOnly",
    "StoreReplication",
    "StoreReset",
    "StoreRotation",
    "StoreSnapshot",
    "StoreStatistics",
    "User",
    "UserLease",
    "Wheel",
    "external_outputs",
    "external_secret",
    "managed_outputs",
    "no_note",
    "numbers",
    "outputs",
    "own_port",
]

HTTPS_PORT = 443
#: Computes one output of a store for one user of it.
Output = Callable[[StoreContext, User], Text]


def outputs(url: Output, *, port: str, database: bool = False) -> dict[str, Output]:
    """List what every server with users offers: url, host, port, address, user, password.

    Args:
        url: the whole address with user and password.
        port: the name of the port that clients connect to.
        database: it also names a database.
    """
    offered: dict[str, Output] = {
        "url": url,
        "host": lambda context, user: text(context.host),
        "port": lambda context, user: text(str(context.port_of(user, port))),
        "address": lambda context, user: text(f"{context.host}:{context.port_of(user, port)}"),
        "user": lambda context, user: text(user.login),
        "password": lambda context, user: (user.password,),
    }
    if database:
        offered["database"] = lambda context, user: text(context.database)
    return offered


@dataclass(frozen=True)
class Shell:
    """A program in which a person talks to a store."""

    #: Its names on PATH, the best first.
    programs: tuple[str, ...]
    #: Its arguments; {host}, {port}, {user} and {path}, a URL's path, stand for the parts of a URL.
    arguments: tuple[str, ...]
    #: The variable that it takes the password from: all users can read a command line.
    password: str


#: A dialogue with a server, without I/O: yields what to send (or nothing) and is given what it
#: answered since; for a secret that it yields, its value. Returns the result.
ProtocolScript = Generator[Text | bytes | Secret, bytes, Any]


@dataclass(frozen=True)
class StoreReset:
    """How what a server holds is put back: its own protocol, spoken with its administrator."""

    #: The name of the port on which it is spoken.
    port: str
    #: Makes a copy of what it holds now, and returns that.
    snapshot: Callable[[StoreContext], ProtocolScript]
    #: Has it hold what `snapshot` returned, and nothing else.
    restore: Callable[[StoreContext, Any], ProtocolScript]
    #: What goes back, for a reader.
    what: str


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
    #: The variable from which it takes the password of its read-only user; "": it needs none.
    password: str = ""
    #: Its arguments; $(NAME) stands for one of its variables.
    args: tuple[str, ...] = ()
    #: A folder whose `alerts.yaml` and `panels.yaml` are the alerts and panels of its metrics; each
    #: may be missing.
    assets: Traversable | None = None


@dataclass(frozen=True)
class RowReset:
    """What a server holds is put back row by row, over a URL of its administrator."""

    url: Callable[[StoreContext], Text]
    #: What goes back, for a reader.
    what: str = "the rows and sequences that changed; connections stay open"


@dataclass(frozen=True)
class Fingerprint:
    """How a server of the kind shows in the files of a repository, for `tarmac init`."""

    #: Names of its images, without registry, folder and tag.
    images: tuple[str, ...]
    #: URL schemes of its addresses.
    schemes: tuple[str, ...]
    #: Where its image listens.
    port: int
    #: Libraries that speak to it, as a pattern.
    clients: str
    #: How variables that hold its address begin.
    stems: tuple[str, ...]
    #: Stems that say nothing of the kind: counted only where a client is there.
    vague: tuple[str, ...] = ()
    #: What a store of it is called where nothing names one; "": as the kind.
    store_name: str = ""
    #: The user that its image makes by default.
    user: str = ""
    #: The path of its URLs is the database, of which each store has one.
    path_is_database: bool = False
    #: The path of its URLs names what has one name alone here, whatever it is elsewhere.
    path_is_fixed: bool = False
    #: What stands between its URL and more options: `&` behind those that it has.
    before_options: str = "?"
    #: Its users can own what one of them makes: several programs of one user may become several.
    shares: bool = False
    #: Images with extensions that a plain server lacks, as a pattern.
    extended: str = ""
    #: Extensions that its embedded server lacks, and an installed one has: by name, what shows the
    #: use of it where nothing creates it, as a pattern.
    lacks: Mapping[str, str] = field(default_factory=dict)
    #: Libraries, as patterns, that want an encrypted connection unless a URL ends with this.
    unencrypted: Mapping[str, str] = field(default_factory=dict)
    #: Schemes of libraries that take addresses with no other one.
    own_schemes: tuple[str, ...] = ()
    #: Those of `images` whose tags are versions of the kind, not of a fork; without any, all.
    numbered: tuple[str, ...] = ()
    #: How variables begin by which its image is told its first user, password and database.
    first: tuple[str, ...] = ()
    #: What variables of `stems` hold, by their end, besides the parts that every address has.
    parts: Mapping[str, str] = field(default_factory=dict)
    #: Packages that SQLAlchemy takes only by a scheme of their own: since 2.1, `postgresql` means
    #: another one, and a list of packages without versions brings that.
    drivers: Mapping[str, str] = field(default_factory=dict)
    #: What Django calls its engine for the kind.
    django: str = ""
    #: Libraries, as patterns, that take addresses by one of the kind's schemes alone.
    insists: Mapping[str, str] = field(default_factory=dict)
    #: Asynchronous drivers, and the scheme by which SQLAlchemy takes each.
    async_drivers: Mapping[str, str] = field(default_factory=dict)
    #: Libraries, as a pattern, that read no login in its addresses.
    reads_no_login: str = ""
    #: A file of SQL may choose the database, and make it where it is not there.
    chooses: bool = False
    #: Variables that its libraries read where an address says less, by what they hold.
    told_apart: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ManagedService:
    """A cloud's service that keeps servers of a kind; Terraform makes them."""

    #: The folder of its module in assets/terraform/modules.
    module: str
    #: The version where the model names none.
    version: str
    #: The most instances of one server, that which takes writes among them.
    most: int
    #: Its storage grows by itself; another is given a disk.
    grows: bool = True
    #: It has a second region, or there it may begin empty.
    spans: bool = True
    #: How a service reaches a store on it, where {user}, {password}, {host}, {port} and {database}
    #: stand for what they are; "": a person says how. Without {user} it has no users.
    url: str = ""
    #: How a store on it and its users are made, in the cluster; None: there is nothing to make.
    script: Callable[[StoreContext], Script] | None = None


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
    #: Where it can serve those who give no password: "here" is on a developer's machine alone.
    passwordless: Literal["", "here", "everywhere"] = ""
    #: It keeps what was written through a crash of its server; a cache does not.
    durable: bool = True
    #: It carries topics.
    broker: bool = False
    #: Kinds that may answer in its place to services of the kit, which speak to either; a
    #: broker's are brokers, a store's are stores.
    substitutes: tuple[str, ...] = ()
    #: URL schemes of a server that runs elsewhere, each with its default port.
    external: Mapping[str, int] = field(default_factory=dict)
    #: Services of a cloud that keep its servers, by the name that an environment's `servers` has.
    managed: Mapping[str, ManagedService] = field(default_factory=dict)
    #: How its users and what they need are made where no `Launch` is carried out: in a cluster.
    script: Callable[[StoreContext], Script] | None = None
    #: How a vault makes a user that lives for a while; None: its users stay.
    lease: Callable[[StoreContext, User], UserLease] | None = None
    #: How a user gets its next password without a gap; None: its server takes one at a time.
    rotation: StoreRotation | None = None
    #: It answers SQL: seeds and invariants can be run in it by this URL of its administrator.
    sql_url: Callable[[StoreContext], Text] | None = None
    #: Files of SQL can be loaded into it over the URL of one of its users: `seed` and `init`.
    loads_sql: bool = False
    #: The administrator's name; empty where there is none.
    admin: str = ""
    #: A program may log in as the administrator, where it knows no other name.
    lends_admin: bool = False
    #: A user of it may have an empty password.
    empty_passwords: bool = False
    #: What tells how it is where an environment is watched.
    exporter: Exporter | None = None
    #: How a person talks to it.
    shell: Shell | None = None
    #: A page that a person can open: port name and path.
    page: tuple[str, str] | None = None
    #: MODULE:NAME of its `StoreContents`: how what it holds is read and written while it runs. That
    #: is imported when it is used, as it does input and output. It is found by the schemes of
    #: `external`; "": none of it can be done.
    contents: str = ""
    #: How it goes back to what it held, while its users stay connected; None: it cannot.
    reset: StoreReset | RowReset | None = None
    #: How that candidate's server is backed up and restored, with no more lost than the rule says;
    #: None: it is not.
    backup: Callable[[StoreContext, ProviderCandidate, ArchiveRule], StoreBackup | None] | None = (
        None
    )
    #: How that candidate's server follows the one of another copy, and takes its place; None: it
    #: cannot.
    replication: (
        Callable[[StoreContext, ProviderCandidate, Address], StoreReplication | None] | None
    ) = None
    #: How its server is made to refuse writes for a while; None: it cannot.
    read_only: StoreReadOnly | None = None
    #: What of it a snapshot of the system keeps.
    snapshot: StoreSnapshot = field(default_factory=StoreSnapshot)
    #: How it is asked what it holds and does; None: it is not.
    statistics: StoreStatistics | SqlStatistics | None = None
    #: Bytes that each connection takes of its server; 0: too few to count.
    connection_bytes: int = 0
    #: The extra of the kit that its users need besides, e.g. a client of its protocol.
    extra: str = ""
    #: What `--fast-stores` gives up, for the line that says so.
    fast_gives_up: str = ""
    #: How the readiness of the kit's services calls the check that asks it.
    check: str = ""
    #: They are not ready without it.
    needed: bool = True
    #: By what `tarmac init` knows it in a repository; None: it does not.
    fingerprint: Fingerprint | None = None

    def port_for(self, user: str) -> str:
        """Name the port that a user connects to."""
        return own_port(user) if self.port_per_user else self.clients

    def serves(self, asked: str | None, candidate: ProviderCandidate) -> bool:
        """Tell whether the server that answers is good enough for the version asked for."""
        older = asked is not None and numbers(asked) <= numbers(self.served_by_newer)
        return candidate.fits(asked) or (older and numbers(asked or "") <= candidate.numbers)


def external_secret(store: str, output: str) -> Secret:
    """Name what the URL of a store's server elsewhere holds: its url, user or password."""
    return Secret.of(StoreSecret(store, EXTERNAL, output))


def external_outputs(kind: StoreKind, store: str, address: Address) -> dict[str, Text]:
    """Compute what a server elsewhere offers: the same to every service, as all share its URL."""
    known = {name: text(external_secret(store, name)) for name in ("url", "user", "password")}
    known |= {"host": text(address.host), "port": text(str(address.port))}
    known["address"] = text(f"{address.host}:{address.port}")
    known["database"] = known["bucket"] = text(address.path)
    scheme = "https" if address.port == HTTPS_PORT else "http"
    known["endpoint"] = text(f"{scheme}://{address.host}:{address.port}")
    return {name: value for name, value in known.items() if name in kind.outputs}


def managed_outputs(kind: StoreKind, store: str, user: str) -> dict[str, Text]:
    """Compute what a server that the cloud manages offers to one user: all of it is secret.

    Where it stands is known only once it has been made, so that comes with the password.
    """
    return {name: text(Secret.of(StoreSecret(store, user, name))) for name in kind.outputs}
