"""A running system as faults and drills see it: what they may look at, and what they may disturb.

What a target may be able to do is a protocol for each (`ABILITIES`): `local` has all but nodes and
networks, `cluster` instances and nodes, `compose` instances, processes, scaling and networks.
Whatever is disturbed is undone when the drill ends, also when it is killed: a target holds it as
long as the drill lives, and no longer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

#: The source of an edge that comes from outside the system.
WORLD = "world"
Direction = Literal["", "sent", "received", "both"]


#: What tells one run of an instance from the next: a pid; in a cluster, a pod's uid.
ProcessId = int | str
#: States of what takes requests: what it needs itself may be missing.
SERVING = frozenset({"ready", "healthy", "running"})


@dataclass(frozen=True)
class Instance:
    """One process of a service, a store or a broker."""

    name: str
    #: service, store, broker, task or entry.
    role: str
    state: str
    #: In a cluster a pod's uid.
    pid: int | str | None
    restarts: int

    @property
    def serves(self) -> bool:
        """Whether it takes requests."""
        return self.state in SERVING


@dataclass(frozen=True)
class EdgeRule:
    """How the traffic of an edge is disturbed; without any value it is not."""

    delay_s: float = 0.0
    #: The delay is even within delay_s +- jitter_s.
    jitter_s: float = 0.0
    #: Of each connection, in each direction; 0: no limit.
    bytes_per_s: float = 0.0
    #: In which direction nothing comes through; `sent` is what the caller sends.
    stall: Direction = ""
    #: The share of connections that are reset, open ones included; 0 to 1.
    reset_share: float = 0.0
    #: The share of HTTP/1 requests that are answered with an error before they arrive; 0 to 1.
    error_share: float = 0.0
    error_status: int = 503
    #: Of the body of each HTTP/1 answer; 0: no limit.
    body_bytes_per_s: float = 0.0
    #: Open at once; those beyond are closed, and further ones refused. None: no limit.
    max_connections: int | None = None
    #: The port of this machine that new connections lead to; 0: nothing answers there. Those that
    #: are open are reset. None: to the target.
    leads_to: int | None = None


@dataclass(frozen=True)
class Edge:
    """One edge of the system, and what went over it."""

    id: str
    source: str
    target: str
    connections: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    #: What the rule that is on it, or the last one, did: `delayed`, `stalled`, `reset`, `answered`,
    #: `slowed`, `refused`, `misdirected`, `delay_s`.
    effect: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RowComparison:
    """What of a store's rows is back after its data was lost and restored."""

    tables: int
    #: That were there when the data was lost.
    rows: int
    #: Not back, of those written since the rows were taken down.
    changed: int
    #: Not back, of those that stood there long before, by table: any backup has them.
    settled: Mapping[str, int]


class StoreRecovery(Protocol):
    """A store that is backed up, loses its data and is restored; all raise TarmacError."""

    def back_up(self, every_s: float, *, synchronous: bool) -> None:
        """Make a backup, and have what changes afterwards archived.

        Args:
            every_s: at least so often.
            synchronous: each change before it is confirmed, whatever `every_s` says.
        """

    def mark(self, number: int) -> None:
        """Write a mark; it is committed once this returns."""

    def marks(self) -> Sequence[int]:
        """List the marks that are there."""

    def take_down_rows(self) -> int:
        """Remember the rows of its users as they are now; returns how many there are."""

    def lose_data(self) -> None:
        """Kill it and delete its data; it stays down."""

    def data_mb(self) -> float:
        """Return how much data it has, in MB of a million bytes."""

    def restore_data(self) -> None:
        """Put its data back from the backup and the archive, and let it start."""

    def compare_rows(self) -> RowComparison:
        """Compare its users' rows with those before the loss, and with those taken down earlier."""


@dataclass(frozen=True)
class Standby:
    """A server that follows another."""

    #: Changes reach it as they are made.
    streams: bool
    #: How it stands, as a sentence.
    detail: str


class StoreReplica(Protocol):
    """A store that several copies of a system have, of which one follows another.

    All of it raises TarmacError.
    """

    @property
    def address(self) -> tuple[str, int]:
        """Where those that follow it connect: host and port."""

    def follow(self, address: tuple[str, int]) -> None:
        """Replace its data by a copy of another's there, and follow that; its users wait."""

    def confirm_together(self) -> None:
        """Confirm a change only when its standby has it; returns once that is so."""

    def standbys(self) -> Sequence[Standby]:
        """List what follows it now."""

    def takes_writes(self) -> bool:
        """Tell whether it is open to writes now."""

    def fence(self) -> None:
        """Block writes to it permanently, even after a restart; a running one is stopped first."""

    def promote(self, statements: Sequence[str] = ()) -> None:
        """Promote a standby, run statements on it, and let its users start."""


@dataclass(frozen=True)
class Throttling:
    """What a limit of CPU did to an instance so far."""

    #: How often it was stopped because it had used up what it may.
    times: int
    used_s: float
    elapsed_s: float


@dataclass(frozen=True)
class Answers:
    """What one version of a service was asked and has answered so far, over all its edges."""

    #: Requests that were sent to it.
    sent: int = 0
    #: Answers by status.
    statuses: Mapping[int, int] = field(default_factory=dict)
    #: Answers by the seconds that they did not exceed.
    durations: Mapping[float, int] = field(default_factory=dict)
    #: What the rule did that is on its traffic, as an edge's.
    effect: Mapping[str, float] = field(default_factory=dict)


class Instances(Protocol):
    """Instances that end and are replaced."""

    def instances(self) -> tuple[Instance, ...]:
        """List every instance as it is now."""

    def urls(self) -> Mapping[str, str]:
        """Return where each service answers."""

    def find(self, name: str) -> tuple[str, ...]:
        """List the instances of a service, a store, a machine or a zone. Raises BadInput."""

    def send(self, names: Collection[str], signal: str) -> Mapping[str, int | str]:
        """End instances by a signal (`SIGKILL`) or, as a pod, with no time; returns which ran."""

    def hold_down(self, names: Collection[str]) -> None:
        """Kill instances and start them no more."""

    def let_up(self, names: Collection[str]) -> None:
        """Start them again."""

    def restart(self, names: Collection[str]) -> None:
        """Replace instances as a deployment does, and wait for it. Raises TarmacError."""


class Processes(Protocol):
    """Processes that can be stopped where they are."""

    def pause(self, names: Collection[str]) -> Mapping[str, Collection[int]]:
        """Stop instances where they are, with all that they have started; returns the pids."""

    def moving(self, names: Collection[str]) -> Collection[str]:
        """List those of them that are not stopped (any more)."""

    def resume(self, names: Collection[str]) -> None:
        """Let them go on."""


class Edges(Protocol):
    """Traffic of edges that is counted and can be disturbed."""

    def edges(self) -> tuple[Edge, ...]:
        """List every edge with what went over it so far."""

    def disturb(self, edges: Collection[str], rule: EdgeRule | None) -> None:
        """Disturb the traffic of edges, by their ids; None: no more."""


class Resources(Protocol):
    """CPU and memory of instances that are measured and can be limited."""

    def cpu_s(self) -> Mapping[str, float]:
        """Return how much CPU time each instance has used, with all that it has started."""

    def memory_bytes(self) -> Mapping[str, int]:
        """Return how much memory each instance has now, with all that it has started."""

    def limit_cpu(self, names: Collection[str], cpus: float | None) -> None:
        """Let each instance use that many CPUs at most; None: as many as it wants."""

    def throttled(self, names: Collection[str]) -> Mapping[str, Throttling]:
        """Return what the limit did to each of them that has one."""


class StoreData(Protocol):
    """Data of stores that can be backed up, lost, copied and closed to writes."""

    def recovery(self, store: str) -> StoreRecovery:
        """Give what backs up, loses and restores the data of a store."""

    def replica(self, store: str) -> StoreReplica:
        """Give what has a store follow that of another copy, or take its place."""

    def make_read_only(self, store: str, *, on: bool) -> None:
        """Make a store read-only, or writable again. Raises TarmacError."""

    def takes_writes(self, store: str) -> bool:
        """Tell whether a store takes writes now. Raises TarmacError."""


class Passwords(Protocol):
    """Passwords of stores that can be rotated."""

    def rotate(self, store: str) -> str:
        """Give the services of a store other passwords; say why the previous ones are refused.

        Raises TarmacError, also where one of them has to keep its password.
        """


class Disks(Protocol):
    """Disks of stores that can be filled."""

    def fill_disk(self, store: str, *, on: bool) -> None:
        """Fill a store's disk and keep it full, or give the room back. Raises TarmacError."""

    def disk_space(self, store: str) -> tuple[int, int]:
        """Return the free bytes of a store's disk, and its size. Raises TarmacError."""


class Scaling(Protocol):
    """Services that can be run in another number."""

    def scale(self, service: str, instances: int) -> None:
        """Run so many instances of a service; it does not wait until they serve."""


class Networks(Protocol):
    """Instances that can be taken off the network."""

    def disconnect(self, names: Collection[str]) -> None:
        """Take instances off every network; they run on, and nothing reaches them."""

    def connected(self, names: Collection[str]) -> Collection[str]:
        """List those of them that are on a network."""

    def reconnect(self, names: Collection[str]) -> None:
        """Put them back on their networks."""


class Versions(Protocol):
    """Services that can be run in another version or environment."""

    def set_environment(self, service: str, env: Mapping[str, str]) -> None:
        """Replace a service's instances by ones with these variables besides; empty: as before.

        Returns once they serve. Raises TarmacError.
        """

    def start_version(self, service: str, file: str, env: Mapping[str, str]) -> str:
        """Start an instance of a service's new version, which gets no request yet.

        Args:
            file: its system's file; empty: the same code.
            env: variables that are others there.

        Returns:
            Its name; it does not wait until it serves.
        """

    def split(self, service: str, share: float, rule: EdgeRule | None) -> None:
        """Send a share of a service's requests to its new version from now on, 0 to 1.

        Args:
            rule: how the traffic of the new version is disturbed.
        """

    def answers(self, service: str) -> tuple[Answers, Answers]:
        """Return what the stable version and the new one have answered since there are two."""


class Nodes(Protocol):
    """Nodes that can be emptied."""

    def drain(self, node: str) -> tuple[str, ...]:
        """Cordon a node and evict its pods; return their names. Raises TarmacError."""

    def uncordon(self, node: str) -> None:
        """Uncordon the node."""


class InstanceTarget(Instances, Protocol):
    """A system that runs, as far as any platform has it: instances that end and are replaced."""

    @property
    def kind(self) -> str:
        """Name it in evidence: `local`, `cluster`."""

    def note(self, what: str) -> None:
        """Record a step of the drill in the system's timeline, if it has one."""


class NodeTarget(InstanceTarget, Nodes, Protocol):
    """A system on nodes that can be emptied: in a cluster."""


class Target(
    InstanceTarget,
    Processes,
    Edges,
    Resources,
    StoreData,
    Passwords,
    Disks,
    Scaling,
    Versions,
    Protocol,
):
    """A system that runs here: its processes, edges, data, passwords, disks and versions, too."""


#: What a target may be able to do. A fault and a kind of drill name what they need of it.
ABILITIES: tuple[type, ...] = (
    *(Instances, Processes, Edges, Resources, StoreData, Passwords, Disks, Scaling, Versions),
    *(Nodes, Networks),
)


def abilities(needs: Collection[type]) -> tuple[type, ...]:
    """List the abilities that protocols ask for: a protocol may join several."""
    asked = {base for protocol in needs for base in protocol.__mro__}
    return tuple(ability for ability in ABILITIES if ability in asked)


def missing(target: type, needs: Collection[type]) -> tuple[type, ...]:
    """List the abilities that are needed, and that a kind of target does not have."""
    return tuple(
        ability
        for ability in abilities(needs)
        if not all(hasattr(target, name) for name in vars(ability) if not name.startswith("_"))
    )
