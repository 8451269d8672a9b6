"""What the terminal asks of a running system, and how it is asked: by the client of every verb.

Each call may take a while: `app` makes it in a thread of its own. Tests give a system of their own.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tarmac.base.errors import TarmacError
from tarmac.base.target import EdgeRule
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import activity, client
from tarmac.run.local.supervisor.activity import Observation
from tarmac.run.local.supervisor.requests import Restart
from tarmac.run.telemetry import log_lines, queries, storage
from tarmac.run.telemetry.log_lines import Line, LineSource
from tarmac.run.telemetry.log_records import RecordTail
from tarmac.run.telemetry.queries import TraceSummary, TreeSpan
from tarmac.run.terminal.overview import Row

if TYPE_CHECKING:
    from tarmac.run.local.supervisor.local_target import LocalTarget

#: Lines that are there when a log is opened.
LAST_LINES = 2_000
#: How much slower an edge is made, in each direction.
SLOW_S = 0.3
RULES = {"slow": EdgeRule(delay_s=SLOW_S), "cut": EdgeRule(reset_share=1.0)}
MOST_TRACES = 100
#: A shell that ends sooner was none: it printed an address, or why it cannot be opened.
READ_S = 2.0


class LogReader(Protocol):
    """Reads a log on from where it was."""

    def read(self) -> list[Line]:
        """Return the new lines in the order of time."""


class RunningSystem(Protocol):
    """A system that runs; all but `observe` and `open_log` raise TarmacError."""

    def observe(self, known: Observation | None) -> Observation | None:
        """Look at the system; `known` has a measurement of CPU and memory that is recent enough."""

    def open_log(self, row: Row | None) -> LogReader:
        """Open the log of a process; None: those of all services."""

    def restart(self, row: Row) -> str:
        """Restart it; return what happened, as each of the following."""

    def stop(self, row: Row) -> str:
        """Stop a service."""

    def start(self, row: Row) -> str:
        """Start what is off, with what it needs."""

    def scale(self, row: Row, instances: int) -> str:
        """Run another number of instances."""

    def count_requests(self, *, on: bool) -> str:
        """Count the requests on the edges, or do not."""

    def disturb(self, fault: str, row: Row, edges: Sequence[str]) -> str:
        """Kill a process, or slow or cut edges, until `undo` or the end."""

    def undo(self) -> str:
        """Undo all faults."""

    def down(self) -> str:
        """Stop the system."""

    def shell(self, row: Row) -> None:
        """Run a shell in this terminal: a store's, or one with a service's environment."""

    def run_command(self, row: Row, name: str) -> None:
        """Run one of a service's commands in this terminal."""

    def traces(self, service: str) -> list[TraceSummary]:
        """List the latest traces that crossed a service, the newest first; empty: all."""

    def trace(self, trace_id: str) -> list[TreeSpan]:
        """Return the spans of a trace."""

    def close(self) -> None:
        """Undo what is left and close the connection."""


class _Lines:
    def __init__(self, sources: Sequence[LineSource]) -> None:
        self._sources = sources

    def read(self) -> list[Line]:
        return log_lines.merged(self._sources)


class LocalRunningSystem:
    """A namespace of a system on this machine."""

    def __init__(self, file: Path, home: Home) -> None:
        """Take the system's file and its home; nothing is asked yet."""
        self._file = file
        self._home = home
        self._target: LocalTarget | None = None
        self._disturbed: set[str] = set()

    def observe(self, known: Observation | None) -> Observation | None:
        """Look at the system."""
        with contextlib.suppress(TarmacError, OSError):
            return activity.observe(self._home, known)
        return None

    def open_log(self, row: Row | None) -> LogReader:
        """Open logs and the records that services sent."""
        status = client.status(self._home)
        nodes = status.nodes if status is not None else ()
        if row is not None:
            names, services = [row.name], [row.service]
        else:
            names = [node.name for node in nodes if node.role == "service"]
            services = sorted({node.service for node in nodes if node.role == "service"})
        tails: list[LineSource] = [
            log_lines.Tail(self._home.logs / f"{name}.log", last=LAST_LINES) for name in names
        ]
        records = RecordTail(self._home.telemetry, services=services, last=LAST_LINES)
        return _Lines([*tails, records])

    def restart(self, row: Row) -> str:
        """Replace the instances of a service or restart a store."""
        failed = client.ask(self._home, Restart((row.name,)))
        if failed:
            raise TarmacError("; ".join(f"{name}: {why}" for name, why in failed.items()))
        return f"{row.name} is restarted"

    def stop(self, row: Row) -> str:
        """Stop a service."""
        client.stop_services(self._home, (row.service,))
        return f"{row.service} is stopped; `s` starts it"

    def start(self, row: Row) -> str:
        """Start what is off."""
        done = client.start_services(self._home, (row.service,))
        return f"started: {', '.join(done.started) or row.service}"

    def scale(self, row: Row, instances: int) -> str:
        """Run another number of instances."""
        client.scale(self._home, row.service, instances)
        return f"{row.service} has {instances} instance{'s' if instances > 1 else ''}"

    def count_requests(self, *, on: bool) -> str:
        """Count the requests on the edges, or do not."""
        client.inspect(self._home, on=on)
        return f"requests are {'counted, from new connections on' if on else 'not counted'}"

    def disturb(self, fault: str, row: Row, edges: Sequence[str]) -> str:
        """Kill a process, or slow or cut edges."""
        if fault == "kill":
            pids = self._opened().send([row.name], "SIGKILL")
            self._opened().note(f"kill of {row.name} from the terminal")
            return f"{row.name} is killed (pid {', '.join(map(str, pids.values()))})"
        self._opened().disturb(edges, RULES[fault])
        self._disturbed.update(edges)
        self._opened().note(f"{fault} of {', '.join(edges)} from the terminal")
        done = f"slower by {SLOW_S * 1000:.0f} ms" if fault == "slow" else "cut"
        what = edges[0] if len(edges) == 1 else f"{len(edges)} edges to {row.service}"
        return f"{what}: {done} until `! u`, or until you leave"

    def undo(self) -> str:
        """Undo all faults."""
        edges = sorted(self._disturbed)
        if not edges:
            return "no fault is active; a killed process restarts by itself"
        self._opened().disturb(edges, None)
        self._disturbed.clear()
        return f"undone: {', '.join(edges)}"

    def down(self) -> str:
        """Stop the system."""
        client.down(self._home)
        return "the system is stopped; its data stays"

    def shell(self, row: Row) -> None:
        """Run `tarmac connect`, or a shell by `tarmac run`, in this terminal."""
        print(f"{row.service}: the end of this shell leads back to the terminal", flush=True)
        if row.role == "service":
            self._run("run", row.service, "--", "/bin/sh")
        else:
            self._run("connect", row.service)

    def run_command(self, row: Row, name: str) -> None:
        """Run one of a service's commands by `tarmac run`; what it printed stays until Enter."""
        print(f"$ tarmac run {row.service} {name}", flush=True)
        self._run("run", row.service, name, waits=True)

    def _run(self, verb: str, *args: str, waits: bool = False) -> None:
        words = [verb, "-n", self._home.root.name, str(self._file), *args]
        began = time.monotonic()
        code = subprocess.run([sys.executable, "-m", "tarmac", *words], check=False).returncode
        if waits or code or time.monotonic() - began < READ_S:  # it printed something to read
            with contextlib.suppress(EOFError, KeyboardInterrupt):
                input("Enter leads back ")

    def traces(self, service: str) -> list[TraceSummary]:
        """List the latest traces."""
        with contextlib.closing(storage.reader(self._home.telemetry)) as stored:
            return queries.latest(stored, most=MOST_TRACES, service=service)

    def trace(self, trace_id: str) -> list[TreeSpan]:
        """Return the spans of a trace."""
        with contextlib.closing(storage.reader(self._home.telemetry)) as stored:
            return queries.trace(stored, trace_id)[1]

    def close(self) -> None:
        """Close the connection: the supervisor undoes what is left."""
        if self._target is not None:
            self._target.close()

    def _opened(self) -> LocalTarget:
        # It brings the model and the stores, which nothing but a fault needs.
        from tarmac.run.local.supervisor.local_target import LocalTarget  # noqa: PLC0415

        if self._target is None:
            self._target = LocalTarget(self._home, client.connect(self._home))
        return self._target
