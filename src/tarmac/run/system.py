"""A running system: what verbs and drills ask of it, wherever it runs.

`opening.opened` opens one; `local` and `cluster` implement it. What an answer holds beyond this
differs between the two, and only the table that shows it minds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from tarmac.base.target import InstanceTarget
    from tarmac.model.system import System
    from tarmac.run.local.stores.invariants import InvariantResult
    from tarmac.run.telemetry.log_lines import Line
    from tarmac.run.telemetry.objectives import ObservedObjective


class SystemStatus(Protocol):
    """The state of everything that a system consists of."""

    @property
    def healthy(self) -> bool:
        """Whether all of it is as it should be."""

    def as_data(self) -> dict[str, Any]:
        """Write it as plain data, for --json."""


class EdgeTraffic(Protocol):
    """The declared edges with their traffic, and connections that nothing declares."""

    @property
    def all_used(self) -> str:
        """Say that each declared edge was used."""

    @property
    def count(self) -> int:
        """How many edges there are."""

    @property
    def undeclared(self) -> Sequence[Mapping[str, Any]]:
        """Connections that nothing declares; none where they are not counted."""

    @property
    def refused(self) -> Mapping[tuple[str, str], int]:
        """Connections that were refused, by their source and their target."""

    def unused(self) -> Self:
        """Keep declared edges that were never used. Raises BadInput where nothing counts that."""

    def as_data(self) -> dict[str, Any]:
        """Write it as plain data, for --json."""


@dataclass(frozen=True)
class Logs:
    """Lines of logs: sorted by time or, while they are followed, as they come."""

    lines: Iterator[Line]
    #: Of the longest name; 0: not known before.
    width: int = 0


@dataclass(frozen=True)
class Restart:
    """What a restart came to."""

    status: SystemStatus
    #: Why, for each service whose new instance does not start; the previous instance serves.
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StoreAccess:
    """A way into a store."""

    title: str
    url: str
    #: Its own shell: any of these programs, with these arguments and variables.
    programs: Sequence[str] = ()
    arguments: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    #: The URL leads there only until it is closed.
    is_forwarded: bool = False


class RunningSystem(Protocol):
    """A system that runs on this machine or in a cluster."""

    @property
    def kind(self) -> str:
        """Name its kind of target: `local`, `cluster`."""

    @property
    def model(self) -> System:
        """What its file says."""

    def status(self) -> SystemStatus:
        """Read the state of all of it. Raises TarmacError."""

    def logs(
        self, names: Collection[str], *, last: int | None, follow: bool, trace: str = ""
    ) -> Logs:
        """Read logs.

        Args:
            names: services, stores and brokers; all services without one.
            last: so many past lines of each; None: all that are kept.
            trace: only lines of the trace whose id begins so, however old they are.

        Raises:
            TarmacError: no such name, or lines of a trace cannot be found there.
        """

    def restart(
        self,
        names: Collection[str],
        within_s: float | None,
        look: Callable[[SystemStatus], None] = lambda _: None,
    ) -> Restart:
        """Replace instances, of all services without names, and wait until all is healthy.

        Args:
            within_s: the longest to wait; None: as long as it should take.
            look: is given each change meanwhile, where the system itself tells of them.

        Raises:
            TarmacError: no such name, or it does not run.
        """

    def connect(self, store: str, user: str = "") -> AbstractContextManager[StoreAccess]:
        """Open a way into a store, as one of its users. Raises TarmacError."""

    def invariants(self, within_s: float = 0.0) -> tuple[InvariantResult, ...]:
        """Ask whether the invariants hold, again until they do or the time is over.

        Raises:
            TarmacError: a store cannot be reached, or answers no SQL.
        """

    def edges(self) -> EdgeTraffic:
        """Read what went over each declared edge. Raises TarmacError."""

    def objectives(self, for_s: float | None) -> tuple[list[ObservedObjective], int]:
        """Judge the objectives by what is counted; returns the end, in ms since the epoch, too.

        Args:
            for_s: how long to count, where nothing has counted before. None: as usual there.

        Raises:
            TarmacError: nothing counts requests.
        """

    def counting(self, services: Collection[str]) -> AbstractContextManager[Path]:
        """Count the requests of services until the end; gives the file of telemetry.

        Raises:
            TarmacError: nothing counts them.
        """

    def stores(self) -> Sequence[str]:
        """Return what each store and broker really is. Raises TarmacError."""

    def target(self, urls: Mapping[str, str]) -> AbstractContextManager[InstanceTarget]:
        """Open what a drill may disturb; at the end all is undone.

        Args:
            urls: where visitors find services, where that is not known by itself.

        Raises:
            TarmacError: it is not ready to be disturbed.
        """
