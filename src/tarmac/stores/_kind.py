"""What a store kind must say; the one thing that a file in this folder imports from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tarmac.launch import File, Launch, Secret, Text, text

#: The provider whose servers run elsewhere: they are only spoken to.
EXTERNAL = "external"


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
    #: Folders to look in after PATH, as globs; of several versions in them the newest is first.
    folders: tuple[str, ...] = ()
    #: Arguments that make it print its version; without any, what its folder has at the star is it.
    version: tuple[str, ...] = ("--version",)
    #: The oldest that does what the kind relies on; an older one does not count as found.
    oldest: str = ""
    #: Whether PATH is looked at: not where what stands there is another's front for the program.
    on_path: bool = True
    #: Names of programs that do the same where this one is absent.
    or_else: tuple[str, ...] = ()


@dataclass(frozen=True)
class Image:
    """A container image for a Docker daemon to run."""

    name: str
    #: The tag for whoever asks for no version; a version that is asked for is a tag itself.
    tag: str


Program = Wheel | Module | Binary | Image


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
class Provider:
    """One way to have the store on this machine."""

    id: str
    programs: Mapping[str, Program]
    #: (view, what was found, fast) -> how to start it; fast gives up durability for tests.
    launch: Callable[[View, Offer, bool], Launch]
    #: What to do on a machine that lacks it.
    get: str = "install Tarmac with its dependencies (pip install --force-reinstall tarmac)"
    note: Callable[[Offer], str] = no_note


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
        "port": lambda view, user: text(str(view.ports[port])),
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
#: answered since; returns what came of it.
Dialogue = Generator[Text | bytes, bytes, Any]


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
    #: The last version that every newer server serves as it is, so that nothing is said; "": none.
    served_by_newer: str = ""
    #: It can serve those who give no password.
    passwordless: bool = False
    #: It carries topics.
    broker: bool = False
    #: Kinds that may answer in its place to services of the kit, which speak to either.
    stand_ins: tuple[str, ...] = ()
    #: URL schemes of a server that runs elsewhere, each with its default port.
    external: Mapping[str, int] = field(default_factory=dict)
    #: It answers SQL: seeds and invariants can be run in it by this URL of its administrator.
    sql_url: Callable[[View], Text] | None = None
    #: The administrator's name; empty where there is none.
    admin: str = ""
    #: How a person talks to it.
    shell: Shell | None = None
    #: A page that a person can open: port name and path.
    page: tuple[str, str] | None = None
    #: How it goes back to what it held, while its users stay connected; None: it cannot.
    reset: Conversation | Rows | None = None
    #: What `--fast-stores` gives up, for the line that says so.
    fast_gives_up: str = ""

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


#: The program's name for an offer of a container image: the Docker client.
DOCKER = "docker"
#: What to do where no daemon answers.
GET_DOCKER = "start Docker, so that `docker info` answers"
#: The first start fetches the image.
PULL_WITHIN_S = 600.0
# `docker run` passes signals on, but a killed one leaves its container behind, which holds port and
# data: the next start removes it first. The data stays its user's own by that user's id; a server
# that finds itself root in the container gives that up by itself, or need not.
_RUN = """umask 077
mkdir -p data
"$0" rm --force "$1" $(cat container 2>/dev/null) >/dev/null 2>&1
rm -f container
user=$(id -u):$(id -g)
[ "$user" = 0:0 ] && user=
name=$1
shift
exec "$0" run --rm --init --name "$name" --cidfile container ${user:+--user "$user"} "$@"
"""


def contained(
    view: View,
    offer: Offer,
    launch: Launch,
    *,
    ports: Mapping[str, int],
    mounts: Mapping[str, str],
    options: tuple[str, ...] = (),
) -> Launch:
    """Have a container do what a launch says.

    Args:
        launch: its argv is the command in the container; its env goes there by a file, since
            anybody on the machine can read a command line.
        ports: the port in the container, by the name of the one outside it.
        mounts: the path in the container, by the path in the node's folder. Data is in `data`.
        options: more options of `docker run`.
    """
    published = [
        ("-p", f"{view.host}:{view.ports[name]}:{inside}") for name, inside in ports.items()
    ]
    mounted = [("-v", f"{{folder}}/{path}:{inside}") for path, inside in mounts.items()]
    env = [text(f"{name}=", value, "\n") for name, value in sorted(launch.env.items())]
    return replace(
        launch,
        argv=(
            *("/bin/sh", "-c", _RUN, *offer.programs[DOCKER]),
            f"tarmac-{view.name}-{next(iter(view.ports.values()))}",
            *("--env-file", "{folder}/container.env"),
            *(part for pair in (*published, *mounted) for part in pair),
            *options,
            offer.image,
            *launch.argv,
        ),
        env={name: text(value) for name, value in offer.env.items()},
        files=(*launch.files, File("container.env", text(*env))),
        in_container=True,
        ready_within_s=PULL_WITHIN_S,
    )
