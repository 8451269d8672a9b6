"""The program beside a store's server that tells how it is, in the words of Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.plan.cluster import Workload
from tarmac.render.kubernetes.parts import pods, probes

NAME = "exporter"
#: It asks a few questions each time that it is asked; 10 to 40 MiB were measured. While it is
#: restarted its pod is not ready, nor is the server: it is given room before it is ended.
RESOURCES = {
    "requests": {"cpu": "10m", "memory": "32Mi"},
    "limits": {"cpu": "100m", "memory": "128Mi"},
}


def own_ports(workload: Workload) -> list[dict[str, Any]]:
    """List the server's ports, without that of a program beside it."""
    apart = workload.exporter is not None and bool(workload.exporter.image)
    return [
        port
        for port in pods.ports(workload)
        if not (apart and port["containerPort"] == workload.metrics)
    ]


def beside(workload: Workload) -> Iterator[dict[str, Any]]:
    """Make the program that tells how the server is, where that one does not do it itself."""
    if workload.exporter is None or not workload.exporter.image:
        return
    port = workload.metrics
    yield {
        "name": NAME,
        "image": workload.exporter.image,
        "imagePullPolicy": "IfNotPresent",
        **({"args": list(workload.exporter.args)} if workload.exporter.args else {}),
        "env": pods.own_env(workload, workload.exporter.env),
        "ports": [{"name": "metrics", "containerPort": port}],
        # That it runs: what it says of the server is for alerts to judge.
        "livenessProbe": {"tcpSocket": {"port": port}, **probes.LIVENESS},
        "readinessProbe": {"tcpSocket": {"port": port}, **probes.READINESS},
        "resources": RESOURCES,
        "securityContext": pods.CONTAINER_SECURITY,
    }
