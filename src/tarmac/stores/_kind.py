"""What a store kind must say; the one thing that a file in this folder imports from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tarmac.launch import Launch, Secret, Text, text


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
    #: Arguments that make it print its version; without any, the first number in its path is it.
    version: tuple[str, ...] = ("--version",)
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


@dataclass(frozen=True)
class Offer:
    """A provider on this machine: its programs' full command lines by name, and its version."""

    provider: str
    programs: Mapping[str, tuple[str, ...]]
    version: str
    #: The kind that really answers: another than was asked for where one stands in.
    kind: str = ""


@dataclass(frozen=True)
class Provider:
    """One way to have the store on this machine."""

    id: str
    programs: Mapping[str, Program]
    #: (view, what was found, fast) -> how to start it; fast gives up durability for tests.
    launch: Callable[[View, Offer, bool], Launch]


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
    #: It carries topics.
    broker: bool = False
    #: Kinds that may answer in its place to services of the kit, which speak to either.
    stand_ins: tuple[str, ...] = ()
    #: It answers SQL: seeds and invariants can be run in it by this URL of its administrator.
    sql_url: Callable[[View], Text] | None = None
    #: A page that a person can open: port name and path.
    page: tuple[str, str] | None = None
    #: What `--fast-stores` gives up, for the line that says so.
    fast_gives_up: str = ""
