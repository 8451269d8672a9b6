"""What a drill may ask of a supervisor, on the connection that began with `Disturb`.

Whatever is done is undone when the connection ends. `LocalTarget` asks; the class that answers is
named beside each group.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tarmac.base.target import EdgeRule, RowComparison, Standby, Throttling
from tarmac.run.local.supervisor.requests import Request

# Disturbances


@dataclass(frozen=True)
class Find(Request[tuple[str, ...]]):
    """List the instances of a service, a store, a machine or a zone."""

    name: str


@dataclass(frozen=True)
class Signal(Request[Mapping[str, int]]):
    """Send a signal to instances, by their own names; answers the pids."""

    names: tuple[str, ...]
    signal: str


@dataclass(frozen=True)
class Pause(Request[Mapping[str, tuple[int, ...]]]):
    """Stop instances where they are, with all that they have started; answers the pids."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Moving(Request[tuple[str, ...]]):
    """List those of them that are not stopped."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Resume(Request[None]):
    """Let them go on."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class HoldDown(Request[None]):
    """Kill instances and start them no more."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class LetUp(Request[None]):
    """Start them again."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class DisturbEdge(Request[None]):
    """Disturb the traffic of an edge, `orders->db:main`; None: no more."""

    id: str
    rule: EdgeRule | None


# TemporaryOptions


@dataclass(frozen=True)
class Scale(Request[None]):
    """Run so many instances of a service."""

    service: str
    instances: int


@dataclass(frozen=True)
class SetEnvironment(Request[None]):
    """Run a service with these variables besides; empty: as before."""

    service: str
    env: Mapping[str, str]


@dataclass(frozen=True)
class StartVersion(Request[str]):
    """Start an instance of a service's new version, without requests yet; answers its name."""

    service: str
    #: Its system's file; empty: the same code.
    file: str
    env: Mapping[str, str]


@dataclass(frozen=True)
class Split(Request[None]):
    """Send a share of a service's requests to its new version from now on."""

    service: str
    share: float
    rule: EdgeRule | None


# CpuLimits


@dataclass(frozen=True)
class LimitCpu(Request[None]):
    """Let each instance use that many CPUs at most; None: as many as it wants."""

    names: tuple[str, ...]
    cpus: float | None


@dataclass(frozen=True)
class Throttlings(Request[Mapping[str, Throttling]]):
    """Return what the limit did to each of them that has one."""

    names: tuple[str, ...]


# ReadOnlyStores


@dataclass(frozen=True)
class MakeReadOnly(Request[None]):
    """Make a store refuse writes, or take them again."""

    store: str
    on: bool


@dataclass(frozen=True)
class IsWritable(Request[bool]):
    """Return whether a store takes writes now."""

    store: str


# StoreDisks


@dataclass(frozen=True)
class FillDisk(Request[None]):
    """Fill the disk of a store and keep it full, or give the room back."""

    store: str
    on: bool


@dataclass(frozen=True)
class DiskSpace(Request[tuple[int, int]]):
    """Return the free bytes of a store's disk, and its size."""

    store: str


# Recoveries


@dataclass(frozen=True)
class BackUp(Request[None]):
    """Back up a store, and archive what changes afterwards: see `ArchiveRule`."""

    store: str
    every_s: float
    synchronous: bool


@dataclass(frozen=True)
class TakeDownRows(Request[int]):
    """Remember the rows of a store's users, for `CompareRows`; answers how many there are."""

    store: str


@dataclass(frozen=True)
class LoseData(Request[None]):
    """Kill a store and delete its data; it stays down."""

    store: str


@dataclass(frozen=True)
class DataSize(Request[float]):
    """Return how much data a store has, in MB."""

    store: str


@dataclass(frozen=True)
class RestoreData(Request[None]):
    """Restore a store's data from its backup, and let it start."""

    store: str


@dataclass(frozen=True)
class CompareRows(Request[RowComparison]):
    """Compare a store's rows with those before the loss, and with those remembered earlier."""

    store: str


# Replications


@dataclass(frozen=True)
class Follow(Request[None]):
    """Replace a store's data by a copy of the server's at an address, and follow that."""

    store: str
    host: str
    port: int


@dataclass(frozen=True)
class ConfirmTogether(Request[None]):
    """Confirm a change only once a standby has it."""

    store: str


@dataclass(frozen=True)
class Standbys(Request[tuple[Standby, ...]]):
    """List what follows a store now."""

    store: str


@dataclass(frozen=True)
class TakesWrites(Request[bool]):
    """Return whether a store that others follow, or that follows, is open to writes."""

    store: str


@dataclass(frozen=True)
class Fence(Request[None]):
    """Make a store take no writes any more, nor after any start."""

    store: str


@dataclass(frozen=True)
class Promote(Request[None]):
    """Make a standby take writes and statements, and let its users start."""

    store: str
    statements: tuple[str, ...]


# StoreHolds


@dataclass(frozen=True)
class HoldStores(Request[None]):
    """Stop stores, and start them no more until `ReleaseStores`; their users run on."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class ReleaseStores(Request[float]):
    """Start the stores that are held; once all serve, answers for how many seconds none did."""


# Notes


@dataclass(frozen=True)
class Note(Request[None]):
    """Write what a drill does into the system's timeline."""

    what: str
