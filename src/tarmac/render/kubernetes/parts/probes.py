"""Probes of a workload's containers: how each is asked, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.base.launch import CommandProbe, GrpcProbe, HttpProbe, Probe, TcpProbe
from tarmac.plan.cluster import Workload

# The shop's roadmap, phase 6 (K8S-05); the others name none.
LIVENESS = {"initialDelaySeconds": 10, "periodSeconds": 15, "failureThreshold": 3}
READINESS = {"initialDelaySeconds": 5, "periodSeconds": 10, "failureThreshold": 3}
#: 150 s until it must have started.
STARTUP = {"periodSeconds": 5, "failureThreshold": 30}
#: A store is back in a second, and all its services wait for it: it is asked at once, and often.
#: A busy one is taken from its Service after 30 s, as a service's pod is.
STORE_READINESS = {"periodSeconds": 2, "failureThreshold": 15}
STORE_STARTUP = {"periodSeconds": 1, "failureThreshold": 150}


def probe(asked: Probe | None) -> dict[str, Any] | None:
    """Return a probe for the cluster; None for a check that only a supervisor can make."""
    match asked:
        case HttpProbe(port, path):
            return {"httpGet": {"path": path, "port": port}}
        case GrpcProbe(port, service):
            return {"grpc": {"port": port, **({"service": service} if service else {})}}
        case TcpProbe(port):
            return {"tcpSocket": {"port": port}}
        case CommandProbe(argv):
            return {"exec": {"command": list(argv)}}
        case _:
            return None


def probes(workload: Workload) -> dict[str, Any]:
    """List a service's three probes; a live one is asked only once it has started."""
    return _listed(workload, READINESS, STARTUP)


def of_store(workload: Workload) -> dict[str, Any]:
    """List a store's three probes."""
    return _listed(workload, STORE_READINESS, STORE_STARTUP)


def _listed(
    workload: Workload, readiness: Mapping[str, int], startup: Mapping[str, int]
) -> dict[str, Any]:
    live, ready = probe(workload.live), probe(workload.ready or workload.live)
    found: dict[str, Any] = {}
    within_s = min(3, readiness["periodSeconds"])
    if live is not None:
        found["startupProbe"] = {**live, **startup}
        found["livenessProbe"] = {**live, **LIVENESS, "timeoutSeconds": 3}
    if ready is not None:
        found["readinessProbe"] = {**ready, **readiness, "timeoutSeconds": within_s}
    return found
