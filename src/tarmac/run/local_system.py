"""A running system on this machine, by the state and the supervisor of its namespace.

Light: the model, the stores and the telemetry are imported by what asks them, so that `ps` answers
at once.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tarmac.base.errors import BadInput, Problem, TarmacError, check_names
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client, requests
from tarmac.run.local.supervisor.status import Status
from tarmac.run.system import Logs, Restart, StoreAccess, SystemStatus

if TYPE_CHECKING:
    from tarmac.model.system import System
    from tarmac.run.local.stores.invariants import InvariantResult
    from tarmac.run.local.supervisor.local_target import LocalTarget
    from tarmac.run.telemetry import log_lines
    from tarmac.run.telemetry.objectives import ObservedObjective

POLL_S = 0.2


@dataclass(frozen=True)
class LocalEdges:
    """What went over each edge and each port, as the wires have counted it."""

    home: Home
    edges: Sequence[dict[str, Any]]
    undeclared: Sequence[dict[str, Any]]
    all_used: str = "every declared edge was used in this run"

    @property
    def count(self) -> int:
        """How many edges there are."""
        return len(self.edges)

    def unused(self) -> LocalEdges:
        """Keep declared edges that were never used. Raises BadInput where nothing counts that."""
        if self.edges and not any("connections" in edge for edge in self.edges):
            what = "the use of its edges is not counted with --direct; restart it without"
            raise BadInput([Problem(str(self.home.root), what)])
        return replace(self, edges=[edge for edge in self.edges if edge["unused"]])

    @cached_property
    def refused(self) -> Mapping[tuple[str, str], int]:
        """Connections that `up --mtls` refused: by their source and their target.

        The source is a service's name, or empty for a client without a certificate of this system.
        """
        at_ends = {edge["target"]: edge["tls"]["ends"]["refused"] for edge in self.secured}
        met: Counter[tuple[str, str]] = Counter()
        for target, refused in (
            *((edge["target"], edge["tls"]["refused"]) for edge in self.secured),
            *at_ends.items(),
        ):
            for identity, times in refused.items():
                met[identity.rpartition("/")[2], target] += times
        return met

    @property
    def secured(self) -> Sequence[dict[str, Any]]:
        """The edges whose two ends speak TLS."""
        return [edge for edge in self.edges if "tls" in edge]

    def as_data(self) -> dict[str, Any]:
        """Write it as plain data, for --json."""
        refused = [
            {"source": source, "target": target, "connections": times}
            for (source, target), times in sorted(self.refused.items())
        ]
        return {"edges": self.edges, "undeclared": self.undeclared, "refused": refused}


@dataclass(frozen=True)
class LocalSystem:
    """One namespace of a system; it need not run for its state and its logs."""

    file: Path
    home: Home
    #: What its file says, where that was read before.
    loaded: System | None = None
    kind: str = "local"

    @cached_property
    def model(self) -> System:
        """What its file says."""
        if self.loaded is not None:
            return self.loaded
        from tarmac.project.reading import load  # noqa: PLC0415

        return load(str(self.file), sources=client.sources_of(self.home))

    def status(self) -> Status:
        """Read the state of all of it. Raises BadInput where it never ran, or cannot be read."""
        status = client.status(self.home)
        if status is None or not status.nodes:  # none because its first `up` failed
            if status is not None and client.is_of_another_version(self.home):
                what = "another version of Tarmac started what runs here"
                advice = "run `tarmac down`, then `tarmac up`"
                raise BadInput([Problem(str(self.home.root), f"{what}; {advice}")])
            namespace = self.home.root.name
            homes = client.find_homes(self.file)
            names = [home.root.name for home in homes if home.root.name != namespace]
            known = f"; namespaces that did: {', '.join(names)}" if names else ""
            what = f"never ran in namespace '{namespace}'{known}; start it with `tarmac up`"
            raise BadInput([Problem(str(self.file), what)])
        return status

    def require_running(self) -> None:
        """Raise TarmacError where it does not run."""
        if not client.is_running(self.home):
            what = "the system is not running; start it with `tarmac up`"
            raise TarmacError(f"{self.home.root}: {what}")

    def logs(
        self, names: Collection[str], *, last: int | None, follow: bool, trace: str = ""
    ) -> Logs:
        """Read logs, of a system of stores alone those of all. Raises BadInput."""
        from tarmac.run.telemetry import log_lines  # noqa: PLC0415
        from tarmac.run.telemetry.log_records import RecordTail  # noqa: PLC0415

        status = self.status()
        known = [node.name for node in status.nodes] + ["supervisor"]
        check_names(names, known, f"not part of {status.system}")
        chosen = names or [n.name for n in status.nodes if n.role == "service"] or known
        tails: list[log_lines.LineSource] = [
            log_lines.Tail(self.home.logs / f"{name}.log", last=None if trace else last)
            for name in chosen
        ]
        sending = sorted({node.service for node in status.nodes if node.name in chosen})
        tails.append(RecordTail(self.home.telemetry, services=sending, last=last, trace=trace))
        lines = log_lines.follow(tails) if follow else iter(log_lines.merged(tails))
        if trace:
            lines = (line for line in lines if log_lines.is_of_trace(line.text, trace))
        return Logs(lines, max(map(len, chosen)))

    def restart(
        self,
        names: Collection[str],
        within_s: float | None,
        look: Callable[[SystemStatus], None] = lambda _: None,
    ) -> Restart:
        """Replace instances, or those of all nodes, and wait until all is healthy."""
        self.require_running()
        failed = client.ask(self.home, requests.Restart(tuple(names)), look)
        return Restart(client.wait(self.home, within_s=within_s, on_change=look), failed)

    @contextlib.contextmanager
    def connect(self, store: str, user: str = "") -> Iterator[StoreAccess]:
        """Give the way into a store, as its administrator without a user. Raises TarmacError."""
        self.require_running()
        way = client.ask(self.home, requests.Connect(store, user))
        yield StoreAccess(way.title, way.url, way.programs, way.arguments, way.env)

    def invariants(self, within_s: float = 0.0) -> tuple[InvariantResult, ...]:
        """Ask whether the invariants hold, again until they do or the time is over."""
        from tarmac.run.local.stores import invariants  # noqa: PLC0415

        self.require_running()
        url_of = functools.partial(client.store_url, self.home)
        return invariants.ask_within(self.model, url_of, within_s)

    def edges(self) -> LocalEdges:
        """Read what went over each declared edge. Raises TarmacError where it does not run."""
        from tarmac.run.local.supervisor import activity  # noqa: PLC0415

        self.require_running()
        answer = client.ask(self.home, requests.Edges())
        never = activity.unused(answer.edges)
        edges = [e | {"unused": (e["source"], e["target"]) in never} for e in answer.edges]
        return LocalEdges(self.home, edges, answer.undeclared)

    def objectives(
        self,
        for_s: float | None,  # noqa: ARG002 - it has counted since the start
    ) -> tuple[list[ObservedObjective], int]:
        """Judge the objectives by what was counted since the start, whatever `for_s` is."""
        from tarmac.run.telemetry import objectives, storage  # noqa: PLC0415

        now_ms = time.time_ns() // 1_000_000
        with contextlib.closing(storage.reader(self.home.telemetry)) as stored:
            return objectives.observe(stored, self.model, now_ms), now_ms

    @contextlib.contextmanager
    def counting(self, services: Collection[str]) -> Iterator[Path]:
        """Give the telemetry of the namespace, once it has read these services."""
        from tarmac.run.telemetry import awaited  # noqa: PLC0415

        options = client.last_options(self.home)
        if services and options is not None and options.telemetry:  # it begins after the system
            end = time.monotonic() + awaited.READ_S
            while not self.home.telemetry.exists() and time.monotonic() < end:
                time.sleep(POLL_S)
        if services:
            awaited.wait_read(self.home.telemetry, services)
        yield self.home.telemetry

    def stores(self) -> Sequence[str]:
        """Return what each store and broker really is."""
        nodes = self.status().nodes
        return [f"{node.name}: {node.about}" for node in nodes if node.role in ("store", "broker")]

    @contextlib.contextmanager
    def target(
        self,
        urls: Mapping[str, str],  # noqa: ARG002 - they are known here
    ) -> Iterator[LocalTarget]:
        """Open what a drill may disturb; at the end all is undone. Raises TarmacError.

        Args:
            urls: are known here.
        """
        from tarmac.run.local.supervisor.local_target import local_target  # noqa: PLC0415

        self.require_running()
        with local_target(self.home) as target:
            yield target
