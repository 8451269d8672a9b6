"""A system of a hundred services, as the dashboard's page is told of it; none of them runs."""

from __future__ import annotations

import random
from typing import Any

from tarmac.run.dashboard.snapshot import NOTHING

SERVICES, CALLS, STORES = 100, 150, 20
WORDS = ("orders", "users", "billing", "search", "stock", "prices", "mail", "risk", "offers")
#: Stands for the stream of changes: a test says what comes, by `stream.onmessage`.
STREAM = """
window.EventSource = class {
  constructor() { window.stream = this; setTimeout(() => this.onopen(), 0); }
};
"""


def names() -> list[str]:
    """Name the services, the first of which calls all others by way of some."""
    numbered = (f"{WORDS[n % len(WORDS)]}-{n // len(WORDS) + 1}" for n in range(SERVICES - 1))
    return ["gateway", *numbered]


def told(moment: int) -> dict[str, Any]:
    """Return the system at a moment: rates differ, nodes and edges do not."""
    rates = random.Random(moment)
    stores = [f"db-{number}" for number in range(STORES)]
    nodes = [_node(name, "service") for name in names()] + [_node(one, "store") for one in stores]
    usage = {"memory_bytes": 10**8, "requests_per_s": None, "failed_per_s": None, "p95_s": None}
    return {
        **NOTHING,
        "system": "large",
        "namespace": "default",
        "running": True,
        "healthy": True,
        "groups": {name: name.rpartition("-")[0] for name in names()[1:]},
        "nodes": nodes,
        "activities": [
            {"name": node["name"], "cpu_share": rates.random(), **usage} for node in nodes
        ],
        "edges": [_edge(source, target, rates) for source, target in _ends(stores)],
    }


def _ends(stores: list[str]) -> list[tuple[str, str]]:
    chance, services = random.Random(7), names()
    calls = {(services[(number - 1) // 4], services[number]) for number in range(1, SERVICES)}
    while len(calls) < CALLS:
        caller = chance.randrange(SERVICES - 1)
        calls.add((services[caller], services[min(SERVICES - 1, caller + chance.randint(1, 30))]))
    return sorted(calls) + [(chance.choice(services), store) for store in stores]


def _node(name: str, role: str) -> dict[str, Any]:
    about = {"about": "", "state": "healthy", "failed": False, "restarts": 0, "since": 0}
    about |= {"url": "", "page": "", "ports": {}, "detail": "", "cause": ""}
    return {"name": name, "role": role, **about}


def _edge(source: str, target: str, rates: random.Random) -> dict[str, Any]:
    use = {"connections": 1, "open": 1, "errors": 0, "unused": False}
    made = {"requests": 9, "failed": 0, "p50_s": 0.1, "p95_s": 0.2, "p99_s": 0.3}
    now = {"requests_per_s": 1 + 99 * rates.random(), "failed_per_s": 0, "p95_s": 0.2}
    return {"source": source, "target": target, "port": "http", "requests": made, **use, **now}
