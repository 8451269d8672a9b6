"""The service that answers at each public host and path."""

from __future__ import annotations

from tarmac.plan.analysis import rollout_controller
from tarmac.plan.cluster import ClusterPlan, Workload


def led_by_flagger(plan: ClusterPlan, workload: Workload) -> tuple[str, ...]:
    """List the hosts whose requests Flagger divides itself, in its own VirtualService.

    An Ingress would lead past that, to the stable version alone; and a host can be in one of both.
    So these are hosts that are this one service's alone.
    """
    settings = plan.settings.ingress
    divides = plan.settings.mesh == "istio" and settings.kind == "ingress"
    if (
        rollout_controller(plan, workload.name) != "flagger"
        or not divides
        or settings.controller != "istio"
    ):
        return ()
    others = {
        r.host for service in plan.services if service is not workload for r in service.routes
    }
    return tuple(sorted({route.host for route in workload.routes} - others))


def hosts(plan: ClusterPlan) -> dict[str, list[tuple[str, str, int]]]:
    """List each host's paths with the service and port behind, the longest path first.

    A host may belong to several services. The longest goes first for a reader's sake, and for
    controllers that take the first that fits.
    """
    found: dict[str, list[tuple[str, str, int]]] = {}
    for workload in plan.services:
        for route in workload.routes:
            paths = ((path, workload.name, route.port) for path in route.paths)
            found.setdefault(route.host, []).extend(paths)
    return {
        host: sorted(found[host], key=lambda path: (-len(path[0]), path[0]))
        for host in sorted(found)
    }
