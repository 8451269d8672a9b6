"""The `Target` of a system that runs here: what a drill does goes to its supervisor.

One connection carries all of it; when it ends, with the drill or with its process, the supervisor
undoes what is left.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tarmac.base.errors import TarmacError
from tarmac.base.target import Answers, Edge, EdgeRule, Instance, Throttling
from tarmac.run.local.host import usage
from tarmac.run.local.network import durations
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor import drill_requests as ask
from tarmac.run.local.supervisor.local_recovery import LocalRecovery
from tarmac.run.local.supervisor.local_replica import LocalReplica
from tarmac.run.local.supervisor.requests import Answer, Disturb, Edges, Request, Restart, Rotate


class LocalTarget:
    """A system of this machine, with a connection that what is disturbed depends on."""

    kind = "local"

    def __init__(self, home: Home, connection: Any) -> None:
        """Take an open connection; `local_target` makes one."""
        self._home = home
        self._connection = connection
        connection.settimeout(client.ANSWER_S)
        self._lines = connection.makefile("rw")
        self._turn = threading.Lock()
        self._recoveries: list[LocalRecovery] = []
        self._ask(Disturb())

    def close(self) -> None:
        """Undo every active disturbance."""
        for end in (*self._recoveries, self._lines, self._connection):
            with contextlib.suppress(OSError):
                end.close()

    def instances(self) -> tuple[Instance, ...]:
        """List every instance as it is now."""
        status = client.status(self._home)
        if status is None or not status.running:
            raise TarmacError(f"{self._home.root}: the system has stopped")
        return tuple(
            Instance(node.name, node.role, node.state, node.pid, node.restarts)
            for node in status.nodes
        )

    def cpu_s(self) -> Mapping[str, float]:
        """Return how much CPU time each instance has used, with all that it has started."""
        return {name: used.cpu_s for name, used in self._usage().items()}

    def urls(self) -> Mapping[str, str]:
        """Return where each service answers: NAME for the first of its ports, and NAME:PORT."""
        found: dict[str, str] = {}
        for edge in self._edges():
            if edge["source"] == "world" and edge["listen"]:
                url = f"http://127.0.0.1:{edge['listen']}"
                found.setdefault(edge["target"], url)
                found[f"{edge['target']}:{edge['port']}"] = url
        return found

    def find(self, name: str) -> tuple[str, ...]:
        """List the instances of a service, a store, a machine or a zone. Raises BadInput."""
        return self._ask(ask.Find(name))

    def edges(self) -> tuple[Edge, ...]:
        """List every edge with what went over it so far."""
        return tuple(
            Edge(
                f"{edge['source']}->{edge['target']}:{edge['port']}",
                edge["source"],
                edge["target"],
                edge.get("connections", 0),
                edge.get("bytes_sent", 0),
                edge.get("bytes_received", 0),
                edge.get("effect", {}),
            )
            for edge in self._edges()
        )

    def send(self, names: Collection[str], signal: str) -> Mapping[str, int]:
        """Send a signal to instances; returns the pids."""
        return self._ask(ask.Signal(tuple(names), signal))

    def pause(self, names: Collection[str]) -> Mapping[str, Collection[int]]:
        """Stop instances where they are, with all that they have started; returns the pids."""
        return self._ask(ask.Pause(tuple(names)))

    def moving(self, names: Collection[str]) -> Collection[str]:
        """List those of them that are not stopped (any more)."""
        return self._ask(ask.Moving(tuple(names)))

    def resume(self, names: Collection[str]) -> None:
        """Let them go on."""
        self._ask(ask.Resume(tuple(names)))

    def hold_down(self, names: Collection[str]) -> None:
        """Kill instances and start them no more."""
        self._ask(ask.HoldDown(tuple(names)))

    def let_up(self, names: Collection[str]) -> None:
        """Start them again."""
        self._ask(ask.LetUp(tuple(names)))

    def restart(self, names: Collection[str]) -> None:
        """Replace instances as a deployment does, and wait for it. Raises TarmacError."""
        failed = client.ask(self._home, Restart(tuple(names)))
        if failed:
            whys = [f"{name} was not replaced: {why}" for name, why in failed.items()]
            raise TarmacError("; ".join(whys))
        client.wait(self._home, within_s=None)

    def rotate(self, store: str) -> str:
        """Give the services of a store other passwords. Raises TarmacError."""
        done = client.ask(self._home, Rotate(store))
        if done.failed:
            whys = [f"{name} keeps its password: {why}" for name, why in done.failed.items()]
            raise TarmacError("; ".join(whys))
        client.wait(self._home, within_s=None)
        return f"{len(done.rotated)} rotated in {done.took_s:.1f} s, and {done.refused}"

    def disturb(self, edges: Collection[str], rule: EdgeRule | None) -> None:
        """Disturb the traffic of edges; None: no more."""
        for edge in edges:
            self._ask(ask.DisturbEdge(edge, rule))

    def recovery(self, store: str) -> LocalRecovery:
        """Give what backs up, loses and restores the data of a store."""
        url = client.store_url(self._home, store)
        found = LocalRecovery(store, url, self._ask)
        self._recoveries.append(found)
        return found

    def replica(self, store: str) -> LocalReplica:
        """Give what has a store follow that of another copy, or take its place."""
        url = client.store_url(self._home, store)
        return LocalReplica(store, url, self._ask)

    def fill_disk(self, store: str, *, on: bool) -> None:
        """Fill a store's disk and keep it full, or give the room back. Raises TarmacError."""
        self._ask(ask.FillDisk(store, on))

    def disk_space(self, store: str) -> tuple[int, int]:
        """Return the free bytes of a store's disk, and its size. Raises TarmacError."""
        free, size = self._ask(ask.DiskSpace(store))
        return free, size

    def make_read_only(self, store: str, *, on: bool) -> None:
        """Make a store read-only, or writable again."""
        self._ask(ask.MakeReadOnly(store, on))

    def takes_writes(self, store: str) -> bool:
        """Tell whether a store takes writes now."""
        return self._ask(ask.IsWritable(store))

    def set_environment(self, service: str, env: Mapping[str, str]) -> None:
        """Replace a service's instances by ones with these variables besides."""
        self._ask(ask.SetEnvironment(service, env))
        client.wait(self._home, within_s=None)

    def scale(self, service: str, instances: int) -> None:
        """Run so many instances of a service; it does not wait until they serve."""
        self._ask(ask.Scale(service, instances))

    def start_version(self, service: str, file: str, env: Mapping[str, str]) -> str:
        """Start an instance of a service's new version, which gets no request yet."""
        return self._ask(ask.StartVersion(service, file, env))

    def split(self, service: str, share: float, rule: EdgeRule | None) -> None:
        """Send a share of a service's requests to its new version from now on."""
        self._ask(ask.Split(service, share, rule))

    def answers(self, service: str) -> tuple[Answers, Answers]:
        """Return what the stable version and the new one have answered since there are two."""
        splits = [e["split"] for e in self._edges() if e["target"] == service and "split" in e]
        stable, new = ([split[which] for split in splits] for which in ("stable", "new"))
        return _answers(stable), _answers(new)

    def note(self, what: str) -> None:
        """Record a step of the drill in the system's timeline."""
        self._ask(ask.Note(what))

    def limit_cpu(self, names: Collection[str], cpus: float | None) -> None:
        """Let each instance use that many CPUs at most; None: as many as it wants."""
        self._ask(ask.LimitCpu(tuple(names), cpus))

    def throttled(self, names: Collection[str]) -> Mapping[str, Throttling]:
        """Return what the limit did to each of them that has one."""
        return self._ask(ask.Throttlings(tuple(names)))

    def memory_bytes(self) -> Mapping[str, int]:
        """Return how much memory each instance has now, with all that it has started."""
        return {name: used.memory_bytes for name, used in self._usage().items()}

    def _usage(self) -> dict[str, usage.Usage]:
        pids = {one.name: one.pid for one in self.instances() if isinstance(one.pid, int)}
        used = usage.of_trees(pids.values())
        return {name: used[pid] for name, pid in pids.items() if pid in used}

    def _edges(self) -> tuple[dict[str, Any], ...]:
        return client.ask(self._home, Edges()).edges

    def _ask(self, request: Request[Answer]) -> Answer:
        with self._turn:
            line = ""
            with contextlib.suppress(ConnectionError):
                self._lines.write(client.line_of(request))
                self._lines.flush()
                line = self._lines.readline()
        if not line:
            raise client.SupervisorGone(f"{self._home.root}: the supervisor went away")
        return client.answer_of(request, line)


def _answers(counted: Collection[Mapping[str, Any]]) -> Answers:
    """Sum up what the wires of a service have counted of one version."""
    statuses: Counter[int] = Counter()
    took: Counter[float] = Counter()
    effect: Counter[str] = Counter()
    for one in counted:
        for kind, many in one["requests"].items():
            statuses[int(kind.split()[1])] += many
        for bucket, many in one["durations"].items():
            took[durations.end_s(int(bucket))] += many
        effect.update(one.get("effect", {}))
    return Answers(sum(one["sent"] for one in counted), statuses, took, effect)


@contextlib.contextmanager
def local_target(home: Home) -> Iterator[LocalTarget]:
    """Open the target of a system that runs; at the end all is undone. Raises TarmacError."""
    connection = client.connect(home)
    with connection, contextlib.closing(LocalTarget(home, connection)) as target:
        yield target
