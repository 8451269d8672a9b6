"""What the terminal shows of a system at one moment: plain data, computed from two observations.

Pure: `app` asks for observations and draws what this returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tarmac.run.local.state import state
from tarmac.run.local.state.state import NodeState
from tarmac.run.local.supervisor import activity
from tarmac.run.local.supervisor.activity import Observation, Rates

#: Services first, as they are what a developer changes; unknown roles last.
ROLES = ("service", "store", "broker", "entry", "task")
FAILED = frozenset({state.BACKOFF, state.CRASH_LOOP, state.UNHEALTHY})
#: So many values of a process are kept for its curve.
CURVE = 24


@dataclass(frozen=True)
class Row:
    """One process, or a service or store that is off."""

    name: str
    #: The service that it is an instance of.
    service: str
    role: str
    state: str
    group: str = ""
    about: str = ""
    detail: str = ""
    cause: str = ""
    last_lines: tuple[str, ...] = ()
    url: str = ""
    page: str = ""
    address: str = ""
    since: float = 0.0
    restarts: int = 0
    cpu_share: float | None = None
    memory_bytes: int | None = None
    #: Of all instances of the service; on the row of the first one.
    rates: Rates = field(default_factory=Rates)
    #: How many instances its service has.
    instances: int = 0
    #: CPU shares of the last observations, the newest last.
    curve: tuple[float, ...] = ()

    @property
    def is_failed(self) -> bool:
        """Whether it is not as it should be."""
        return self.state in FAILED


@dataclass(frozen=True)
class Link:
    """A declared edge, as a fault can be put on it."""

    id: str
    source: str
    target: str
    connections: int = 0
    effect: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Overview:
    """A system at one moment."""

    system: str = ""
    namespace: str = "default"
    running: bool = False
    rows: tuple[Row, ...] = ()
    links: tuple[Link, ...] = ()
    dashboard: str = ""
    notes: tuple[str, ...] = ()
    #: The names of each service's commands.
    commands: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: Whether requests are counted (`tarmac up --inspect`).
    is_counted: bool = False

    def row(self, name: str) -> Row | None:
        """Return the row of a process; None where it is not there any more."""
        return next((row for row in self.rows if row.name == name), None)

    def links_to(self, target: str) -> tuple[Link, ...]:
        """List the edges that lead to a service or store."""
        return tuple(link for link in self.links if link.target == target)

    def named(self, text: str) -> Overview:
        """Keep rows with a text in their name or group."""
        wanted = text.casefold()
        rows = (row for row in self.rows if wanted in f"{row.name} {row.group}".casefold())
        return replace(self, rows=tuple(rows))


def overview_of(
    before: Observation | None, now: Observation | None, earlier: Overview | None = None
) -> Overview:
    """Compute what is shown from two observations; rates are those between them.

    Args:
        earlier: the overview before this one, whose curves go on.
    """
    if now is None:
        return Overview()
    status = now.status
    found = activity.activities(before or now, now)
    rates = {one.name: one.rates for one in found}
    curves = {row.name: row.curve for row in earlier.rows} if earlier is not None else {}
    is_new = before is None or now.used_at > before.used_at
    counts: dict[str, int] = {}
    for node in status.nodes:
        counts[node.service] = counts.get(node.service, 0) + 1
    rows = []
    for node in status.nodes:
        used = activity.usage_of(before or now, now, node)
        row = replace(
            _row(node, status.group_of(node)),
            cpu_share=used.cpu_share,
            memory_bytes=used.memory_bytes,
            rates=rates.get(node.name, Rates()),
            instances=counts[node.service],
        )
        old = curves.get(node.name, ())
        curve = (*old, used.cpu_share)[-CURVE:] if is_new and used.cpu_share is not None else old
        rows.append(replace(row, curve=curve))
    shown = {row.service for row in rows}
    rows += [
        Row(name, name, "", state.OFF, group=status.groups.get(name, ""))
        for name in status.off
        if name not in shown
    ]
    return Overview(
        status.system,
        status.namespace,
        status.running,
        tuple(sorted(rows, key=_place)),
        tuple(map(_link, now.edges)),
        status.dashboard,
        (*status.replaced, *status.notes),
        status.commands,
        any("requests" in edge for edge in now.edges),
    )


@dataclass(frozen=True)
class Fault:
    """A fault that was caused from here."""

    #: `kill`, `slow` or `cut`.
    kind: str
    service: str
    #: Those that are disturbed until it is undone; none of a process that was killed.
    edges: tuple[str, ...]
    #: Seconds since the epoch.
    at: float


#: What an edge counts of a fault.
EFFECTS = {"slow": "delayed", "cut": "reset"}


def effect_of(fault: Fault, links: Iterable[Link]) -> str:
    """Say what a fault is and how much traffic met it."""
    said = f"{fault.kind} {fault.service}"
    if fault.kind not in EFFECTS:
        return said
    effect = EFFECTS[fault.kind]
    met = sum(link.effect.get(effect, 0) for link in links if link.id in fault.edges)
    return f"{said}: {met:.0f} {effect}"


def _row(node: NodeState, group: str) -> Row:
    port = next(iter((node.ports or {}).values()), None)
    return Row(
        node.name,
        node.service,
        node.role,
        node.state,
        group=group,
        about=node.about,
        detail=node.detail,
        cause=node.cause,
        last_lines=node.last_lines,
        url=node.url,
        page=node.page,
        address=node.url or (f"127.0.0.1:{port}" if port and node.role != "service" else ""),
        since=node.since,
        restarts=node.restarts,
    )


def _link(edge: Mapping[str, object]) -> Link:
    connections, effect = edge.get("connections", 0), edge.get("effect", {})
    return Link(
        f"{edge['source']}->{edge['target']}:{edge['port']}",
        str(edge["source"]),
        str(edge["target"]),
        connections if isinstance(connections, int) else 0,
        effect if isinstance(effect, Mapping) else {},
    )


def _place(row: Row) -> tuple[int, str]:
    """Order rows by role and group; sorting keeps the system's own order within them."""
    return ROLES.index(row.role) if row.role in ROLES else len(ROLES), row.group


def totals(rows: Iterable[Row]) -> tuple[float, int, float | None, float | None]:
    """Add up CPU, memory, requests and failures of a second; None where none are counted."""
    cpu, memory, requests, failed = 0.0, 0, None, None
    for row in rows:
        cpu += row.cpu_share or 0.0
        memory += row.memory_bytes or 0
        if row.rates.requests_per_s is not None:
            requests = (requests or 0.0) + row.rates.requests_per_s
            failed = (failed or 0.0) + (row.rates.failed_per_s or 0.0)
    return cpu, memory, requests, failed


def states(rows: Iterable[Row]) -> dict[str, int]:
    """Count rows by state, those that failed first and what is off last."""
    found: dict[str, int] = {}
    for row in rows:
        found[row.state] = found.get(row.state, 0) + 1

    def place(name: str) -> tuple[bool, bool, str]:
        return name not in FAILED, name in {state.OFF, state.STOPPED}, name

    return {name: found[name] for name in sorted(found, key=place)}
