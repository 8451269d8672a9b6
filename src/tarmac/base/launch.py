"""How a program is started, as data: what the plan computes and `local` or a renderer carries out.

A leaf: no I/O, imports nothing of Tarmac. A secret stands in it by path, never by value, so a plan
can be printed, compared and saved.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class StoreSecret:
    """A credential of a store: `stores/STORE/USER`, or `stores/STORE/USER/OUTPUT`."""

    store: str
    #: A service, or a role of the server itself, such as `admin`.
    user: str
    #: An output of a server elsewhere, such as `url`; empty for a password of a server here.
    output: str = ""


@dataclass(frozen=True)
class ServiceSecret:
    """A secret variable of one service: `services/SERVICE/VARIABLE`."""

    service: str
    variable: str


@dataclass(frozen=True)
class SharedSecret:
    """A secret variable with one value for all services that list it: `shared/VARIABLE`."""

    variable: str


@dataclass(frozen=True)
class ServerSecret:
    """What a server that the cloud keeps is known by: `servers/SERVER/OUTPUT`, e.g. its host."""

    server: str
    output: str


SecretOwner = StoreSecret | ServiceSecret | SharedSecret | ServerSecret
#: How the path begins of half a user that a store has for a while only: nothing keeps it.
LEASED = "leased/"


@dataclass(frozen=True)
class Secret:
    """A secret by its path, e.g. `stores/orders-db/order-service`; `local` generates it once."""

    path: str
    #: Random bytes behind it.
    size_bytes: int = 24
    #: How a generated one is written: as hexadecimal text, or as base64 for addresses.
    form: Literal["hex", "base64"] = "hex"
    #: The model itself says its value, often a plain word: no line of a log is redacted for it.
    is_known: bool = field(default=False, compare=False)

    @classmethod
    def of(
        cls, owner: SecretOwner, size_bytes: int = 24, form: Literal["hex", "base64"] = "hex"
    ) -> Secret:
        """Name the secret of an owner; `owner` reads it back."""
        match owner:
            case StoreSecret(store, user, output):
                steps = ("stores", store, user, *filter(None, (output,)))
            case ServiceSecret(service, variable):
                steps = ("services", service, variable)
            case SharedSecret(variable):
                steps = ("shared", variable)
            case ServerSecret(server, output):
                steps = ("servers", server, output)
        return cls("/".join(steps), size_bytes, form)

    @property
    def is_leased(self) -> bool:
        """Whether it lives for a while only; then it has no owner."""
        return self.path.startswith(LEASED)

    @property
    def owner(self) -> SecretOwner:
        """Parse the owner. Raises ValueError for a path of another form."""
        match self.path.split("/"):
            case ["stores", store, user, *output] if len(output) < 2:
                return StoreSecret(store, user, *output)
            case ["services", service, variable]:
                return ServiceSecret(service, variable)
            case ["shared", variable]:
                return SharedSecret(variable)
            case ["servers", server, output]:
                return ServerSecret(server, output)
        raise ValueError(f"'{self.path}' is not the path of a secret")


#: Text that may hold secrets: its parts in order.
Text = tuple[str | Secret, ...]


def text(*parts: str | Secret | Text) -> Text:
    """Join strings, secrets and texts into one text, neighbouring strings merged."""
    if len(parts) == 1 and isinstance(parts[0], str):
        return (parts[0],)  # most are one
    joined: list[str | Secret] = []
    for part in parts:
        for piece in part if isinstance(part, tuple) else (part,):
            if isinstance(piece, str) and joined and isinstance(joined[-1], str):
                joined[-1] += piece
            else:
                joined.append(piece)
    return tuple(joined)


def reveal(value: Text, secrets: Mapping[str, str]) -> str:
    """Insert the values of the secrets. Raises KeyError with the path of one that is not known."""
    return "".join(part if isinstance(part, str) else secrets[part.path] for part in value)


def is_secret(value: Text) -> bool:
    """Tell whether a text holds a secret."""
    return any(isinstance(part, Secret) for part in value)


def is_leased(value: Text) -> bool:
    """Tell whether a text holds a secret that changes while its readers run."""
    return any(isinstance(part, Secret) and part.is_leased for part in value)


def redact(value: Text) -> str:
    """Write the text with each secret's path in place of its value."""
    return "".join(part if isinstance(part, str) else f"<secret {part.path}>" for part in value)


@dataclass(frozen=True)
class File:
    """A file to write before the start, relative to the node's folder."""

    path: str
    content: Text
    mode: int = 0o600


@dataclass(frozen=True)
class Command:
    """A program that is run to its end, with text on its standard input."""

    argv: tuple[str, ...]
    stdin: Text = ()


@dataclass(frozen=True)
class Hook:
    """A command that runs at one moment of a program's life, in its folder and environment."""

    #: What the model calls it.
    name: str
    argv: tuple[str, ...]
    within_s: float


@dataclass(frozen=True)
class FileTree:
    """A folder made once per machine by a command, then copied for each node.

    `{tree}` in an argument stands for the folder: the cached one for `make`, the copy for `adopt`.
    """

    path: str
    cache_key: str
    make: Command
    #: Run on each new copy, before the node ever sees it.
    adopt: Command | None = None
    #: Run on data of another copy of the system, which has other passwords: `{tree}` is the node's.
    readopt: Command | None = None


@dataclass(frozen=True)
class Sql:
    """Statements to run once the node is ready, each in autocommit; they must be repeatable."""

    url: Text
    statements: tuple[Text, ...]


@dataclass(frozen=True)
class PostStartSetup:
    """Set-up of a ready server in a protocol of its own; it must be repeatable."""

    port: int
    #: What it is to hold afterwards: plain data, which tells one launch from another.
    wanted: object
    #: Says it, without I/O: yields what to send (or nothing) and is given what was answered since;
    #: for a secret that it yields it is given its value.
    say: Callable[[Any], Generator[Text | bytes | Secret, bytes, Any]] = field(
        repr=False, compare=False
    )
    #: The secrets that are requested or sent.
    secrets: tuple[Secret, ...] = ()


@dataclass(frozen=True)
class TcpProbe:
    """Passes when a connection is accepted."""

    port: int


@dataclass(frozen=True)
class ExchangeProbe:
    """Passes when the server answers `send` with bytes that hold `expect`: any binary protocol."""

    port: int
    expect: bytes
    send: Text | bytes = b""
    #: A server that has begun to answer and is silent for so long has said all.
    silence_s: float = 0.1


@dataclass(frozen=True)
class HttpProbe:
    """Passes when GET answers with a status below 400."""

    port: int
    path: str


@dataclass(frozen=True)
class GrpcProbe:
    """Passes when grpc.health.v1.Health/Check answers SERVING."""

    port: int
    #: The service to ask about; empty: the whole server.
    service: str = ""


@dataclass(frozen=True)
class CommandProbe:
    """Passes when the command ends with 0."""

    argv: tuple[str, ...]


@dataclass(frozen=True)
class LogProbe:
    """Passes once a line of output matches the pattern."""

    pattern: str

    def matches(self, line: str) -> bool:
        """Tell whether a line of output is the awaited one."""
        return re.search(self.pattern, line) is not None


@dataclass(frozen=True)
class AliveProbe:
    """Passes once the process has lived so long: all that can be known without a port."""

    for_s: float = 1.0


Probe = AliveProbe | TcpProbe | ExchangeProbe | HttpProbe | GrpcProbe | CommandProbe | LogProbe


@dataclass(frozen=True)
class ForkedStart:
    """The same program as `argv`, made by forking an interpreter that has its libraries loaded."""

    python: str
    #: Parts for the kit to serve in one process.
    packages: tuple[str, ...]


@dataclass(frozen=True)
class Launch:
    """Everything needed to start, watch and stop one process.

    Paths in `argv` and `files` may use `{folder}`: the node's own folder, absolute.
    """

    argv: tuple[str, ...]
    ready: Probe
    #: How it may be started instead where the system can fork and nothing asks for isolation.
    forked: ForkedStart | None = None
    #: Passes when the program runs at all; None: as soon as the process exists.
    booted: Probe | None = None
    env: Mapping[str, Text] = field(default_factory=dict)
    cwd: str = "{folder}"
    files: tuple[File, ...] = ()
    trees: tuple[FileTree, ...] = ()
    #: Folders to make where they are not there yet, absolute or below `{folder}`.
    folders: tuple[str, ...] = ()
    #: Files that begin with the pid of the one server of this folder. After a reboot that pid may
    #: belong to any process; one that names no process of this folder is removed before a start.
    pid_files: tuple[str, ...] = ()
    setup: tuple[Sql, ...] = ()
    #: Said once the node is ready.
    post_start: PostStartSetup | None = None
    #: Runs when the program was started; the node is ready once it has ended with 0.
    after_start: Hook | None = None
    #: Runs before the program is asked to end.
    before_stop: Hook | None = None
    #: Asks the program to end, in place of the signal.
    stop_command: Hook | None = None
    stop_signal: str = "SIGTERM"
    #: The stop signal goes to the whole session: a shell does not pass it on.
    signal_group: bool = False
    #: Seconds between the stop signal and SIGKILL.
    grace_s: float = 10.0
    #: Seconds from the start within which it must be booted, then ready.
    booted_within_s: float = 30.0
    ready_within_s: float = 60.0
    #: Seconds between the probes of one that is well.
    steady_s: float = 1.0
    #: The program refuses to run as root.
    refuses_root: bool = False
    #: Its ports are held by a container's daemon, by no process of ours.
    in_container: bool = False
    #: Folders whose files are part of what runs: an edit there makes `up` restart the node.
    sources: tuple[str, ...] = ()
    #: Names that it finds in its /etc/hosts, each with its address.
    hosts: Mapping[str, str] = field(default_factory=dict)
    #: Folders that it may write to, where its other files are read-only as in a container; None:
    #: none are.
    writable: tuple[str, ...] | None = None


def secrets_of(launch: Launch) -> Iterator[Secret]:
    """Yield every secret that a launch refers to, wherever in it; one may come twice."""
    texts: list[Text] = [*launch.env.values(), *(file.content for file in launch.files)]
    adopting = [way for tree in launch.trees for way in (tree.adopt, tree.readopt) if way]
    texts += [command.stdin for command in adopting]
    texts += [part for sql in launch.setup for part in (sql.url, *sql.statements)]
    for value in texts:
        yield from (part for part in value if isinstance(part, Secret))
    yield from launch.post_start.secrets if launch.post_start else ()
