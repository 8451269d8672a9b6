"""What runs to its end beside a workload: a store's set-up, a service's migrations and its tasks.

Their pods have a name of their own, so that no Service takes them for the workload's, and the
network policies can say what each may reach.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tarmac.plan.cluster import AllowedConnection, ClusterPlan, OneTimeTask, Workload

#: Applies the migrations of the parts that it is given, and ends.
MIGRATE = ("python3", "-m", "tarmac_kit.migrate")


@dataclass(frozen=True)
class Run:
    """Pods that run to their end."""

    #: The pods' name; a Job's own has the hash of what it does behind it.
    name: str
    role: Literal["setup", "migration", "task"]
    once: OneTimeTask

    @property
    def env_of_workload(self) -> bool:
        """Whether it is given what its workload is given: it is the same program."""
        return self.role != "setup"


def runs(workload: Workload) -> Iterator[Run]:
    """List what runs beside a workload."""
    if workload.role != "service":
        for once in workload.once:
            yield Run(f"{workload.name}-{once.name}", "setup", once)
        return
    if workload.migrates:
        once = OneTimeTask("migration", (*MIGRATE, *workload.parts))
        yield Run(f"{workload.name}-migration", "migration", once)
    for once in workload.once:
        yield Run(f"{workload.name}-{once.name}", "task", once)


def edges(plan: ClusterPlan) -> Iterator[AllowedConnection]:
    """List the allowed connections, with the Jobs' pods beside their workloads.

    A store's set-up reaches the store; a service's migrations its stores; its tasks what it does.
    """
    yield from plan.allowed
    by_source: dict[str, list[AllowedConnection]] = {}
    for edge in plan.allowed:
        by_source.setdefault(edge.source, []).append(edge)
    ports = {store.name: store.port for store in plan.managed}
    for setup in plan.setups:
        for run in runs(setup):
            place, port = setup.place, ports[setup.name]
            yield AllowedConnection(run.name, setup.name, port, "managed", place)
    for workload in plan.workloads:
        for run in runs(workload):
            if run.role == "setup":
                port = next(iter(workload.ports.values()))
                yield AllowedConnection(
                    run.name, workload.name, port, workload.role, workload.place
                )
                continue
            for edge in by_source.get(workload.name, ()):
                if edge.target_role in ("store", "managed") or run.role == "task":
                    yield replace(edge, source=run.name)


@dataclass(frozen=True)
class Edges:
    """The allowed connections, by either end: computed once for each sort of pods."""

    by_source: Mapping[str, Sequence[AllowedConnection]]
    by_target: Mapping[str, Sequence[AllowedConnection]]


def edges_by_end(plan: ClusterPlan) -> Edges:
    """Index them by both ends."""
    by_source: dict[str, list[AllowedConnection]] = {}
    by_target: dict[str, list[AllowedConnection]] = {}
    for edge in edges(plan):
        by_source.setdefault(edge.source, []).append(edge)
        by_target.setdefault(edge.target, []).append(edge)
    return Edges(by_source, by_target)
