"""What of a plan is watched: services that are scraped, what they export, which use a store."""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base import signals
from tarmac.plan.cluster import ClusterPlan, Workload


def watched(plan: ClusterPlan) -> tuple[Workload, ...]:
    """List the services whose metrics are read."""
    return tuple(service for service in plan.services if service.metrics is not None)


def exporting(plan: ClusterPlan, metric: str) -> tuple[Workload, ...]:
    """List the services with a part that exports a metric; none where every service may."""
    return tuple(service for service in watched(plan) if has(service, metric))


def has(workload: Workload, metric: str) -> bool:
    """Tell whether a part of a service exports a metric that is only some parts'."""
    return exports(workload, signals.read()[metric])


def exports(workload: Workload, signal: signals.Signal) -> bool:
    """Tell whether one of the parts that export a metric is in a service."""
    return any(f"tarmac_{part}" in workload.parts for part in signal.parts)


def services_of(plan: ClusterPlan, store: str) -> tuple[str, ...]:
    """List the services that use a store, by the edges that the model declares."""
    return tuple(dict.fromkeys(edge.source for edge in plan.allowed if edge.target == store))


def either(names: Iterable[str]) -> str:
    """Write a regular expression that is one of these."""
    return "|".join(names)
