"""A running system that is none, for tests of the terminal: it answers at once and remembers."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

from tarmac.base.errors import TarmacError
from tarmac.run.local.host.usage import Usage
from tarmac.run.local.state.state import NodeState
from tarmac.run.local.supervisor.activity import Observation
from tarmac.run.local.supervisor.status import Status
from tarmac.run.telemetry.log_lines import Line
from tarmac.run.telemetry.queries import TraceSummary, TreeSpan

NODES = (
    NodeState("orders-db", "store", "PostgreSQL 18", "healthy", pid=11, ports={"main": 5432}),
    NodeState("orders", "service", "orders", "healthy", pid=12, url="http://localhost:8002"),
    NodeState("web", "service", "web", "crash-loop", pid=13, detail="ended with 7", restarts=3),
)


def edge(source: str, target: str, **more: Any) -> dict[str, Any]:
    """Write an edge as the wires count it."""
    return {"source": source, "target": target, "port": "http", "connections": 0, **more}


EDGES = (edge("web", "orders"), edge("orders", "orders-db"))


def status(nodes: tuple[NodeState, ...] = NODES, **more: Any) -> Status:
    """Give the status of a small system."""
    given = {"running": True, "system": "small", "file": "/tarmac.yaml", "namespace": "default"}
    return Status(**{**given, "nodes": nodes, "notes": (), **more})


def line(number: int, text: str = "", name: str = "orders") -> Line:
    """Write the line of a number."""
    return Line(f"2026-11-27T14:05:{number % 60:02}.000Z", name, text or f"line {number}")


@dataclass
class Log:
    """A log whose lines a test adds."""

    lines: list[Line]

    def read(self) -> list[Line]:
        """Return what was added."""
        found, self.lines = self.lines, []
        return found


@dataclass
class FakeSystem:
    """Answers like a running system; `asked` has what it was asked to change."""

    now: Status | None = field(default_factory=status)
    edges: tuple[dict[str, Any], ...] = EDGES
    logs: dict[str, Log] = field(default_factory=dict)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    refusal: str = ""

    def observe(self, known: Observation | None) -> Observation | None:
        """Give its status."""
        if self.now is None:
            return None
        at = time.monotonic()
        used = {node.pid: Usage(1.0, 50_000_000) for node in self.now.nodes if node.pid}
        seen = Observation(at, self.now, self.edges, usage=used, used_at=at)
        return seen if known is None else replace(seen, used_at=known.used_at)

    def open_log(self, row: Any) -> Log:
        """Give the log of a process."""
        return self.logs.setdefault("" if row is None else row.name, Log([]))

    def _changed(self, *what: Any) -> str:
        self.asked.append(what)
        if self.refusal:
            raise TarmacError(self.refusal)
        return " ".join(map(str, what))

    def restart(self, row: Any) -> str:
        """Remember it."""
        return self._changed("restart", row.name)

    def stop(self, row: Any) -> str:
        """Remember it."""
        return self._changed("stop", row.service)

    def start(self, row: Any) -> str:
        """Remember it."""
        return self._changed("start", row.service)

    def scale(self, row: Any, instances: int) -> str:
        """Remember it."""
        return self._changed("scale", row.service, instances)

    def count_requests(self, *, on: bool) -> str:
        """Remember it."""
        return self._changed("count", on)

    def disturb(self, fault: str, row: Any, edges: Any) -> str:
        """Remember it."""
        return self._changed(fault, row.name, tuple(edges))

    def undo(self) -> str:
        """Remember it."""
        return self._changed("undo")

    def down(self) -> str:
        """Remember it."""
        return self._changed("down")

    def shell(self, row: Any) -> None:
        """Remember it."""
        self._changed("shell", row.service)

    def run_command(self, row: Any, name: str) -> None:
        """Remember it."""
        self._changed("run", row.service, name)

    def traces(self, service: str) -> list[TraceSummary]:
        """Give one trace that started now."""
        self.asked.append(("traces", service))
        return [
            TraceSummary("ab" * 16, "GET /orders", "orders", time.time_ns(), 9_000_000, 2, 2, 1)
        ]

    def trace(self, trace_id: str) -> list[TreeSpan]:
        """Give a call of a service and a statement below it."""
        assert trace_id == "ab" * 16
        shared = {"parent_id": "", "instance": "", "kind": "", "attributes": {}, "events": ()}
        whole = TreeSpan(
            **shared, span_id="1", depth=0, service="orders", name="GET /orders", offset_ns=0,
            duration_ns=9_000_000, failed=False, message="",
        )  # fmt: skip
        below = replace(whole, span_id="2", depth=1, name="SELECT", offset_ns=6_000_000,
                        duration_ns=3_000_000, failed=True, message="no connection")  # fmt: skip
        return [whole, below]

    def close(self) -> None:
        """Keep nothing."""
