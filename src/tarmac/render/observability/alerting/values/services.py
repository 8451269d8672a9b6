"""Values of alerts on services."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.observability.alerting.subjects import either, watched
from tarmac.render.texts import Values


def workloads(plan: ClusterPlan) -> Iterator[Values]:
    """Give all containers of the system."""
    names = (workload.name for workload in plan.workloads)
    yield {"containers": either(names), "example": plan.services[0].name}


def services(plan: ClusterPlan) -> Iterator[Values]:
    """Give each service that is scraped, and the others beside it."""
    ports = {service.name: str(service.metrics) for service in watched(plan)}
    for service, port in ports.items():
        others = tuple(
            {"other": name, "other_port": other} for name, other in ports.items() if name != service
        )
        yield {"service": service, "port": port, "others": others}


def scraped(plan: ClusterPlan) -> Iterator[Values]:
    """Give all services that are scraped."""
    found = watched(plan)
    if found:
        names = either(service.name for service in found)
        yield {"services": names, "example": found[0].name, "port": str(found[0].metrics)}


def _without_objective(plan: ClusterPlan, kind: str) -> Iterator[Values]:
    """Give the called services that have no objective of a kind: those have alerts of their own."""
    measured = {
        objective.service
        for objective in plan.objectives
        if (kind == "latency") is (objective.latency is not None)
    }
    called = {edge.target for edge in plan.allowed}

    def alerted(service: Workload) -> bool:
        return service.name in called and service.name not in measured

    names = tuple(service.name for service in watched(plan) if alerted(service))
    if names:
        yield {"services": either(names), "example": names[0]}


def failing(plan: ClusterPlan) -> Iterator[Values]:
    """Give the services whose errors no objective counts."""
    yield from _without_objective(plan, "availability")


def slow(plan: ClusterPlan) -> Iterator[Values]:
    """Give the services whose durations no objective counts."""
    yield from _without_objective(plan, "latency")


def calls(plan: ClusterPlan) -> Iterator[Values]:
    """Give one call between services, where there is any."""
    callers = {service.name for service in watched(plan) if service.parts}
    for edge in plan.allowed:
        if edge.target_role == "service" and edge.source in callers:
            yield {"caller": edge.source, "callee": edge.target}
            return


VALUES = {
    "workloads": workloads,
    "services": services,
    "scraped": scraped,
    "failing": failing,
    "slow": slow,
    "calls": calls,
}
