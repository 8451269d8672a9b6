"""What a client may ask of a supervisor: a frozen dataclass for each request.

A request is one JSON line, `{"verb": "restart", "names": [...]}`: its class's name and its fields.
The answer is of the type that the class names, `Restart(Request[Mapping[str, str]])`.
`drill_requests` has those of a drill.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from tarmac.run.local.supervisor.results import ApplyResult, EdgeCounts

Answer = TypeVar("Answer")


class Request(Generic[Answer]):
    """One request; its type argument is the type of the answer."""


class Ask(Protocol):
    """Asks a supervisor, and returns its answer. Raises TarmacError."""

    def __call__(self, request: Request[Answer]) -> Answer:
        """Ask one request."""


def verb_of(kind: type[Request[Any]]) -> str:
    """Name a request on its line: `rewrite-state` for `RewriteState`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


def answer_type(kind: type[Request[Any]]) -> Any:
    """Return the type of the answer to a request."""
    (base,) = kind.__orig_bases__  # type: ignore[attr-defined]
    return typing.get_args(base)[0]


@dataclass(frozen=True)
class StoreShell:
    """The way into a store: its URL, and how its own shell is started."""

    title: str
    url: str
    programs: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SeedResult:
    """What came of one seed: `applied`, `unchanged` or `edited`."""

    store: str
    file: str
    outcome: str


@dataclass(frozen=True)
class ResetResult:
    """What was deleted, with its size, and what was restarted."""

    deleted: tuple[str, ...]
    restarted: tuple[str, ...]


@dataclass(frozen=True)
class SnapshotResult:
    """Stores of which nothing is kept, and why."""

    left: Mapping[str, str]
    took_s: float


@dataclass(frozen=True)
class RestoreResult:
    """Stores whose clients lost their connections."""

    cut: tuple[str, ...]
    took_s: float


@dataclass(frozen=True)
class ServiceEnvironment:
    """A service's environment, and how and where its program is started."""

    name: str
    role: str
    #: What Tarmac gives it, with the secrets' values.
    env: Mapping[str, str]
    #: Variables inherited from the shell that started Tarmac.
    inherited: Mapping[str, str]
    command: tuple[str, ...]
    folder: str
    #: It is started outside Tarmac (--without).
    outside: bool
    #: It is not in the part of the system that runs.
    off: bool
    #: Ports of `env` on which a process listens now.
    taken: tuple[int, ...]
    #: Whether the system runs; the stores answer only then.
    running: bool
    #: Names that it finds in its /etc/hosts, each with its address.
    hosts: Mapping[str, str]
    #: Its commands by name.
    commands: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Apply(Request[ApplyResult]):
    """Load the model again and apply what changed, with these options."""

    options: Mapping[str, Any]
    build_id: str


@dataclass(frozen=True)
class Restart(Request[Mapping[str, str]]):
    """Replace nodes, or all of them; answers why, for each that could not be replaced."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class RewriteState(Request[None]):
    """Write the state file again, which is damaged."""


@dataclass(frozen=True)
class Down(Request[None]):
    """Stop everything."""


@dataclass(frozen=True)
class Attach(Request[None]):
    """Let the system live as long as this connection does; there is no answer."""


@dataclass(frozen=True)
class Disturb(Request[None]):
    """Begin a drill: its own requests follow on this connection, and its end undoes them."""


@dataclass(frozen=True)
class Edges(Request[EdgeCounts]):
    """Count what went over each wire."""


@dataclass(frozen=True)
class Explain(Request[Mapping[str, Any]]):
    """Explain a part of the system, as it runs."""

    name: str


@dataclass(frozen=True)
class Export(Request[ServiceEnvironment]):
    """Collect what a service's program needs."""

    name: str
    #: With other ports to listen on, free ones.
    other_ports: bool


@dataclass(frozen=True)
class Token(Request[str]):
    """Sign a caller token."""

    caller: str
    callee: str


@dataclass(frozen=True)
class SecretNeed:
    """What a rotation needs from a person."""

    #: Secrets that it concerns, by their paths.
    paths: tuple[str, ...]
    #: The variable of `.env` whose next value a person has to give; empty: one is made.
    given: str = ""


@dataclass(frozen=True)
class RotationResult:
    """What a rotation did."""

    #: Secrets that have another value, by their paths.
    rotated: tuple[str, ...]
    #: Services that have it.
    services: tuple[str, ...]
    #: Those of them that did not answer for a moment: only one of each can run.
    gaps: tuple[str, ...]
    #: Instances that keep the previous value, which holds until they are replaced, and why.
    failed: Mapping[str, str]
    #: Why the previous value is refused now, for a reader.
    refused: str
    took_s: float


@dataclass(frozen=True)
class FindSecret(Request[SecretNeed]):
    """Find which secrets a name means, and what their rotation needs."""

    name: str


@dataclass(frozen=True)
class Rotate(Request[RotationResult]):
    """Give secrets other values, without a gap, and have the previous ones refused."""

    name: str
    #: The next value, of one that a person gives.
    value: str = field(default="", repr=False)


@dataclass(frozen=True)
class Connect(Request[StoreShell]):
    """Find the way into a store, as its administrator or as one of its users."""

    name: str
    user: str


@dataclass(frozen=True)
class Seed(Request[tuple[SeedResult, ...]]):
    """Apply seeds, of these stores or all, that were never applied; with `again`, all of them."""

    names: tuple[str, ...]
    again: bool


@dataclass(frozen=True)
class Reset(Request[ResetResult]):
    """Delete the data of stores and restart them with their users."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class WriteOut(Request[None]):
    """Make stores write to the disk what they have only in memory, where they can be told."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Statistics(Request[Mapping[str, Any]]):
    """Ask each store for its statistics."""


@dataclass(frozen=True)
class Snapshot(Request[SnapshotResult]):
    """Keep what the stores hold now."""


@dataclass(frozen=True)
class Restore(Request[RestoreResult]):
    """Put back what the stores held."""
