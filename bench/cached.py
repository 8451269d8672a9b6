"""A service that caches beside the same one that asks its database; used by several bench files.

Measures the answers a second, and the processor time of the service and of its stores.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Collection
from dataclasses import dataclass

from bench.figure import Figure, processor_s, sized
from bench.load import CONNECTIONS, SECONDS, load

from tarmac.testing import System

ROUNDS = sized(7, 1)


@dataclass(frozen=True)
class Round:
    """One load: answers, how long they took, and the processor time of service and stores."""

    count: int
    took_s: float
    service_s: float
    stores_s: float


@dataclass(frozen=True)
class Reader:
    """A running system, what is read in it, and whose processor time that takes."""

    system: System
    service: str
    path: str
    stores: Collection[str]

    def load(self) -> Round:
        """Load it for a second; raise if an answer was no success."""
        nodes = {node.name: node.pid or 0 for node in self.system.nodes()}
        service = [nodes[self.service]]
        stores = [nodes[name] for name in self.stores if name in nodes]
        before, begun = (processor_s(service), processor_s(stores)), time.perf_counter()
        count = load(self.system.url(self.service) + self.path)
        took_s, after = time.perf_counter() - begun, (processor_s(service), processor_s(stores))
        service_s, stores_s = (b - a for a, b in zip(before, after, strict=True))
        return Round(count, took_s, service_s, stores_s)


def beside(
    cached: Reader, plain: Reader, *, instead: str, names: tuple[str, str, str]
) -> list[Figure]:
    """Measure both in turns; return the rate, the service's and the stores' processor time.

    Args:
        instead: what the one without a cache does.
        names: of the three figures.
    """
    for reader in (cached, plain):
        reader.load()  # the first requests fill caches
    rounds = [(cached.load(), plain.load()) for _ in range(ROUNDS)]
    how = (
        f"{instead}; {CONNECTIONS} connections, medians of {ROUNDS} loads of {SECONDS:g} s in turns"
    )
    sides: list[list[Round]] = [list(side) for side in zip(*rounds, strict=True)]
    rps = [statistics.median(r.count / r.took_s for r in side) for side in sides]
    # The kernel counts in hundredths of a second: over all loads, not for each.
    counts = [sum(r.count for r in side) / 1e6 for side in sides]
    service = [sum(r.service_s for r in side) / n for side, n in zip(sides, counts, strict=True)]
    stores = [sum(r.stores_s for r in side) / n for side, n in zip(sides, counts, strict=True)]
    return [
        Figure(names[0], "requests/s", rps[0], rps[1], f"more is better; {how}"),
        Figure(names[1], "us/request", service[0], service[1], how),
        Figure(names[2], "us/request", stores[0], stores[1], how),
    ]
