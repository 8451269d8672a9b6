"""What the page shows of a system: its nodes, its edges with their traffic, its latest events.

Read from files and from the supervisor's answers; each function returns data for JSON.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Container
from dataclasses import asdict
from typing import Any

from tarmac.run.local.network.durations import RequestSummary
from tarmac.run.local.state.paths import Home
from tarmac.run.local.state.state import BACKOFF, CRASH_LOOP, UNHEALTHY, StateFile
from tarmac.run.local.supervisor import activity, client
from tarmac.run.local.supervisor.activity import Activity, Observation
from tarmac.run.local.supervisor.requests import Explain

#: Fields of an edge that the page needs.
EDGE = ("source", "target", "port", "connections", "open", "errors", "last_at")
#: Events of a timeline, the latest.
MOST_EVENTS = 2_000
#: A failure is shown for so long, whatever comes after it.
FAILED = frozenset({BACKOFF, CRASH_LOOP, UNHEALTHY})
SHOWN_S = 5.0
#: What is not told to a page: it may be long, and the log has it.
NOT_SHOWN = frozenset({"last_lines"})
#: Rates are those of the last seconds. Pages that ask at once share an observation; CPU and memory
#: are measured less often than states.
RATE_S, SAME_S, USAGE_S = 5.0, 0.3, 2.0
#: What is said of a system that was never started.
NOTHING: dict[str, Any] = {
    "system": "",
    "namespace": "",
    "running": False,
    "healthy": False,
    "groups": {},
    "commands": {},
    "replaced": [],
    "nodes": [],
    "activities": [],
    "edges": [],
    "undeclared": [],
}


class Watcher:
    """Looks at one system for all pages, and compares with what it saw some seconds before."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._turn = threading.Lock()
        self._observations: list[Observation] = []

    def system(self) -> dict[str, Any]:
        """Return the nodes with their states, and the edges between them with their rates."""
        with self._turn:
            last = self._observations[-1] if self._observations else None
            now_s = time.monotonic()
            if last is None or now_s - last.at > SAME_S:
                is_recent = last is not None and now_s - last.used_at < USAGE_S
                found = activity.observe(self._home, last if is_recent else None)
                if found is None:
                    return NOTHING
                older = [one for one in self._observations if found.at - one.at <= RATE_S]
                self._observations = [*older, found]
            before, now = self._observations[0], self._observations[-1]
        failed = _recently_failed(self._home)
        never = activity.unused(now.edges)
        nodes = [asdict(node) | {"failed": node.name in failed} for node in now.status.nodes]
        return {
            "system": now.status.system,
            "namespace": now.status.namespace,
            "running": now.status.running,
            "healthy": now.status.healthy,
            "groups": dict(now.status.groups),
            "commands": dict(now.status.commands),
            "replaced": list(now.status.replaced),
            "nodes": [{k: v for k, v in node.items() if k not in NOT_SHOWN} for node in nodes],
            "activities": [_activity(one) for one in activity.activities(before, now)],
            "edges": [_edge(before, now, edge, never) for edge in now.edges],
            "undeclared": now.undeclared,
        }


def _recently_failed(home: Home) -> set[str]:
    """Name the nodes that ended or failed a moment ago: one may be back before a page shows it."""
    with contextlib.closing(StateFile(home.state)) as file:
        events = file.events(since=time.time() - SHOWN_S)
    return {node for _, node, state, *_ in events if state in FAILED}


def timeline(home: Home, most: int = MOST_EVENTS) -> dict[str, Any]:
    """Return what happened to each node in the last two days, the latest events, oldest first."""
    if not home.state.exists():
        return {"events": []}
    with contextlib.closing(StateFile(home.state)) as file:
        found = file.events()[-most:] if most else ()
    keys = ("at", "node", "state", "pid", "detail")
    return {"events": [dict(zip(keys, event, strict=True)) for event in found]}


def explained(home: Home, name: str) -> dict[str, Any]:
    """Return what `tarmac explain` says of what runs: each value with its place, no secrets.

    Raises:
        TarmacError: nothing runs, or there is nothing of that name.
    """
    answer = client.ask(home, Explain(name))
    return dict(answer)


def configuration(home: Home) -> dict[str, Any]:
    """Return every variable of every service that runs, with its place; secrets by name alone.

    Raises:
        TarmacError: nothing runs.
    """
    status = client.status(home)
    nodes = status.nodes if status is not None else ()
    services = sorted({node.service for node in nodes if node.role == "service"})
    return {"services": [explained(home, name) | {"name": name} for name in services]}


def _activity(one: Activity) -> dict[str, Any]:
    return {
        "name": one.name,
        "cpu_share": one.cpu_share,
        "memory_bytes": one.memory_bytes,
        **asdict(one.rates),
    }


def _edge(
    before: Observation, now: Observation, edge: dict[str, Any], never: Container[tuple[str, str]]
) -> dict[str, Any]:
    """Return an edge with its requests since the start, and those of a second now."""
    found = RequestSummary.of(edge)
    return {
        **{key: edge.get(key) for key in EDGE},
        "unused": (edge["source"], edge["target"]) in never,
        "requests": None if found is None else asdict(found),
        **asdict(activity.rates(before, now, [edge])),
    }
