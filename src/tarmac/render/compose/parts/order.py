"""The start order under Compose, and the profiles and networks that follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tarmac.model.edge import ENTRY
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.graph import reached

#: The profile of everything; each service has one of its own besides.
ALL = "all"
#: The network that lets the world in.
WORLD = "world"


@dataclass(frozen=True)
class Order:
    """The edges of a plan, by source and target."""

    #: The dependencies of each workload, without those that depend on it.
    after: Mapping[str, Sequence[str]]
    #: The dependents of each workload.
    before: Mapping[str, Sequence[str]]
    #: Each workload's networks: its own, where it is called, and those of its dependencies. One for
    #: each target of a declared edge: what no edge leads to cannot be found.
    networks: Mapping[str, Sequence[str]]
    services: frozenset[str]

    def profiles(self, name: str) -> list[str]:
        """Name the profiles that bring a service: its own, and those of all that wait for it."""
        return [ALL, *sorted(reached([name], self.before))]

    def setup_profiles(self, store: str) -> list[str]:
        """Name the profiles of what sets a store up: those of its dependents, and no others.

        `up --wait` takes a container that ends for a failure where nothing waits for its end.
        """
        users = [name for name in self.before[store] if name in self.services]
        return sorted({ALL, *reached(users, self.before)})


def entry_network(service: str) -> str:
    """Name the network of the entry and one public service; no service is called so."""
    return f"{ENTRY}_{service}"


def order(plan: ClusterPlan) -> Order:
    """Read the start order from the edges that are allowed."""
    here = {workload.name for workload in plan.workloads}
    after: dict[str, list[str]] = {name: [] for name in here}
    before: dict[str, list[str]] = {name: [] for name in here}
    networks: dict[str, set[str]] = {name: set() for name in here}
    for connection in plan.allowed:
        if connection.target not in here:
            continue
        if connection.source == WORLD:
            entered = entry_network(connection.target) if plan.settings.entry else WORLD
            networks[connection.target].add(entered)
            continue
        networks[connection.target].add(connection.target)
        if connection.source not in here:
            continue
        networks[connection.source].add(connection.target)
        new = connection.target not in after[connection.source]
        if new and connection.source not in reached([connection.target], after):
            after[connection.source].append(connection.target)
            before[connection.target].append(connection.source)
    return Order(
        after,
        before,
        {name: sorted(found) or [WORLD] for name, found in networks.items()},
        frozenset(service.name for service in plan.services),
    )
