"""Who waits for whom under Compose, and the profiles and networks that this gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tarmac.plan.cluster import ClusterPlan

#: The profile of everything; each service has one of its own besides.
ALL = "all"
#: The network that lets the world in.
WORLD = "world"


@dataclass(frozen=True)
class Order:
    """The edges of a plan, by whom they begin and end at."""

    #: Whom each workload waits for: whom it calls, but nobody who waits for it.
    after: Mapping[str, Sequence[str]]
    #: Who waits for each workload.
    before: Mapping[str, Sequence[str]]
    #: Each workload's networks: its own, where it is called, and those of whom it calls. One for
    #: each target of a declared edge: what no edge leads to cannot be found.
    networks: Mapping[str, Sequence[str]]
    services: frozenset[str]

    def profiles(self, name: str) -> list[str]:
        """Name the profiles that bring a service: its own, and those of all that wait for it."""
        return [ALL, *sorted(_reached(self.before, name))]

    def setup_profiles(self, store: str) -> list[str]:
        """Name the profiles of what sets a store up: those of who waits for it, and no others.

        `up --wait` takes a container that ends for a failure where nobody waits for its end.
        """
        users = [name for name in self.before[store] if name in self.services]
        return sorted({ALL, *(each for name in users for each in _reached(self.before, name))})


def order(plan: ClusterPlan) -> Order:
    """Read who waits for whom from the edges that are allowed."""
    here = {each.name for each in plan.workloads}
    after: dict[str, list[str]] = {name: [] for name in here}
    before: dict[str, list[str]] = {name: [] for name in here}
    networks: dict[str, set[str]] = {name: set() for name in here}
    for each in plan.allowed:
        if each.target not in here:
            continue
        if each.source == WORLD:
            networks[each.target].add(WORLD)
            continue
        networks[each.target].add(each.target)
        if each.source not in here:
            continue
        networks[each.source].add(each.target)
        new = each.target not in after[each.source]
        if new and each.source not in _reached(after, each.target):
            after[each.source].append(each.target)
            before[each.target].append(each.source)
    return Order(
        after,
        before,
        {name: sorted(found) or [WORLD] for name, found in networks.items()},
        frozenset(each.name for each in plan.services),
    )


def _reached(edges: Mapping[str, Sequence[str]], start: str) -> set[str]:
    """Follow edges from one workload to all that they lead to, itself among them."""
    seen, waiting = {start}, [start]
    while waiting:
        new = set(edges[waiting.pop()]) - seen
        seen |= new
        waiting += new
    return seen
