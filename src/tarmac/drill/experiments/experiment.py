"""What a tool's file declares, and how it finds the pods that a step means.

Pods are found by the labels and the namespace of what `tarmac render` writes for the environment.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tarmac.base.errors import did_you_mean
from tarmac.base.written import amount
from tarmac.catalog.faults.fault import ARROW, Step
from tarmac.drill.file.drill_file import DrillFile
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.plan.service_nodes import ZONES

Experiment = Mapping[str, Any]
M = TypeVar("M")


class NoCounterpart(Exception):
    """A step that the tool, or the environment, has nothing for; its text ends an error."""


@dataclass(frozen=True)
class ClusterDrill:
    """A drill, and the environment that its experiments are for."""

    name: str
    file: DrillFile
    plan: ClusterPlan

    def zone(self, on: str) -> str:
        """Return the cloud's name of a zone of the model: `us-east-1b`; empty if it is none."""
        ends = {f"zone-{end}": end for end in ZONES}
        if on not in ends:
            return ""
        settings = self.plan.settings
        if settings.region is None or on not in list(ends)[: settings.zones]:
            what = f"{self.plan.environment} has no {on} ({settings.zones} zones in"
            raise NoCounterpart(f"{what} {settings.region or 'no region'})")
        if self.plan.cloud is not None:  # the model may name other zones than a, b, c
            return self.plan.cloud.subnets[list(ends).index(on)].zone
        return settings.region + ends[on]

    def workload(self, on: str) -> Workload:
        """Find what runs in the cluster under a name. Raises NoCounterpart."""
        known = {workload.name: workload for workload in self.plan.workloads}
        if on in known:
            return known[on]
        if on in {store.name for store in self.plan.managed}:
            where = f"{self.plan.environment} has it on a managed server"
            raise NoCounterpart(f"'{on}' has no pods: {where}")
        hint = did_you_mean(on, known)
        raise NoCounterpart(f"'{on}' is not a workload of {self.plan.environment}; {hint}")

    def edges(self, on: str) -> Iterator[tuple[str, Workload]]:
        """Yield caller and called of the edges that a step means; `world` is what the ingress is.

        Raises:
            NoCounterpart: there is none.
        """
        source, arrow, called = on.partition(ARROW)
        if not arrow:
            source, called = "", on
        workload = self.workload(called)
        callers = {
            allowed.source: None
            for allowed in self.plan.allowed
            if allowed.target == called and source in ("", allowed.source)
        }
        if not callers:
            raise NoCounterpart(f"'{on}' does not call '{called}' in {self.plan.environment}")
        yield from ((caller, workload) for caller in callers)

    def limit(self, on: str, of: str) -> float:
        """Return the limit of a workload's container: cores or bytes. Raises NoCounterpart."""
        for name, value in self.workload(on).resources.limits.items():
            if name == of:
                return float(amount(value))
        raise NoCounterpart(f"'{on}' has no limit of {of} in {self.plan.environment}")


@dataclass(frozen=True)
class Tool:
    """What carries experiments out."""

    id: str
    #: What it writes, for a reader.
    title: str
    #: Says what one step is there, by its number from 1. Raises NoCounterpart.
    experiments: Callable[[ClusterDrill, int, Any], Sequence[Experiment]]
    #: Writes all of them as one file's text.
    text: Callable[[ClusterDrill, Sequence[tuple[Step, Experiment]]], str]


def burnt_cpu(drill: ClusterDrill, on: str, cpus: float) -> tuple[int, int]:
    """Return how many processes, busy for how many percent, leave that many of a container's CPUs.

    Raises:
        NoCounterpart: the container has not more than that, or has no limit.
    """
    over = drill.limit(on, "cpu") - cpus
    if over <= 0:
        raise NoCounterpart(
            f"'{on}' has {cpus + over:g} CPUs at most, so {cpus:g} is not a reduction"
        )
    workers = math.ceil(over)
    return workers, max(1, round(100 * over / workers))


def used_memory(drill: ClusterDrill, on: str, limit: float) -> int:
    """Return how many bytes to use up, to leave that many of a container's limit.

    Raises:
        NoCounterpart: the container has not more than that, or has no limit.
    """
    over = drill.limit(on, "memory") - limit
    if over <= 0:
        raise NoCounterpart(
            f"'{on}' has {limit + over:.0f} bytes at most, so this is not a reduction"
        )
    return round(over)


def named(drill: ClusterDrill, number: int, made: Sequence[M]) -> Iterator[tuple[str, M]]:
    """Name what a step is there by drill, step, and part where there are several."""
    for part, one in enumerate(made, 1):
        yield f"{drill.name}-{number}{f'-{part}' if len(made) > 1 else ''}", one


def no_counterpart(tool: str, step: Step) -> NoCounterpart:
    """Say that a tool has nothing like a step."""
    return NoCounterpart(f"{tool} has no fault like {step.fault}; remove the step, or drill here")
