"""Advises what the pods of each service should request, by what they were seen to use."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from tarmac.base.written import amount
from tarmac.change.cost.estimate import GIB, Estimate, requests
from tarmac.change.cost.savings import SPOT_PODS
from tarmac.plan.cluster import ClusterPlan, Workload

MIB = 1024**2
#: Of a request, where no autoscaler says another share: a pod has so much of it in use.
CPU_SHARE, MEMORY_SHARE = 0.7, 0.8
#: No pod is advised less: it begins, and answers its probes.
LEAST_CPU, LEAST_MEMORY_MIB = 0.05, 64
#: Requests are multiples of these.
CPU_STEP, MEMORY_STEP_MIB = 0.01, 16


@dataclass(frozen=True)
class Usage:
    """What one instance of a service uses."""

    #: Cores, of all instances the mean.
    cpu: float
    #: Of the largest instance.
    memory_bytes: float


@dataclass(frozen=True)
class Size:
    """What one pod has or should have."""

    cpu: float
    memory_mib: float


@dataclass(frozen=True)
class SizeAdvice:
    """A service: what it requests, what it uses, what it should request."""

    name: str
    pods: int
    requested: Size
    used: Size
    advised: Size
    #: USD of its share of the nodes.
    month: float
    #: USD that its share would be less; below zero: more.
    saved: float
    #: It keeps no data and has pods enough: a node may be taken back.
    spot: bool
    #: Its limit of memory is below what is advised.
    limited: bool

    @property
    def text(self) -> str:
        """Say the advice as the model has it."""
        return f"{{cpu: {self.advised.cpu * 1000:.0f}m, memory: {self.advised.memory_mib:.0f}Mi}}"


def size_advice(
    plan: ClusterPlan, now: Estimate, used: Mapping[str, Usage]
) -> Iterator[SizeAdvice]:
    """Yield the advice for each service that was measured."""
    shares = {share.name: share for share in now.shares}
    for workload in plan.services:
        if (use := used.get(workload.name)) is None:
            continue
        share, (cpu, memory) = shares[workload.name], requests(workload)
        advised = _advised(workload, use)
        limit = float(amount(workload.resources.limits.get("memory", 0)))
        less = (cpu - advised.cpu) / now.cpu if now.cpu else 0.0
        lighter = memory - advised.memory_mib * MIB / GIB
        less += lighter / now.memory_gib if now.memory_gib else 0.0
        yield SizeAdvice(
            name=workload.name,
            pods=share.pods,
            requested=Size(cpu, memory * GIB / MIB),
            used=Size(use.cpu, use.memory_bytes / MIB),
            advised=advised,
            month=share.month,
            saved=share.pods * less * now.nodes_month / 2,
            spot=share.pods >= SPOT_PODS and not workload.volumes,
            limited=0 < limit < advised.memory_mib * MIB,
        )


def with_advice(now: Estimate, sizes: Iterable[SizeAdvice]) -> Estimate:
    """Return what the same nodes hold once pods request what is advised."""
    advised = {one.name: one for one in sizes}
    shares = tuple(
        replace(
            share,
            cpu=share.pods * one.advised.cpu,
            memory_gib=share.pods * one.advised.memory_mib * MIB / GIB,
            month=share.month - one.saved,
        )
        if (one := advised.get(share.name))
        else share
        for share in now.shares
    )
    saved = sum(one.saved for one in advised.values())
    return replace(now, shares=shares, idle_month=max(0.0, now.idle_month + saved))


def _advised(workload: Workload, use: Usage) -> Size:
    """Size the request so that the measured use stays below the target of the autoscaler."""
    scale = workload.scale
    cpu = use.cpu / ((scale.cpu or 100 * CPU_SHARE) / 100)
    memory = use.memory_bytes / MIB / ((scale.memory or 100 * MEMORY_SHARE) / 100)
    return Size(
        max(LEAST_CPU, math.ceil(round(cpu / CPU_STEP, 6)) * CPU_STEP),
        max(LEAST_MEMORY_MIB, math.ceil(memory / MEMORY_STEP_MIB) * MEMORY_STEP_MIB),
    )
