"""A collector and a store of traces in the tests' cluster, as rendered.

Jaeger answers by the name of Tempo, whose licence keeps it out.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import built
import kube_images
import signal_stores
import standins
import yaml
from cluster import Cluster
from docker_here import Docker

GET = "there is no OpenTelemetry collector, or no Jaeger; run `make tools`"
NAMESPACE = "monitoring"
WHERE = f"--namespace={NAMESPACE}"
IMAGE = "docker.io/library/traces:tests"
COLLECTOR, STORE = "opentelemetry-collector", "tempo"
#: The program of each, by the name of what it is in the cluster.
PROGRAMS = {COLLECTOR: "otelcollector", STORE: "jaeger"}
QUERY = 16686
PORTS = {COLLECTOR: (4318,), STORE: (4317, QUERY)}


@dataclass(frozen=True)
class TraceStore:
    """A Jaeger in the cluster."""

    cluster: Cluster

    def services_of(self, trace: str) -> dict[str, list[dict[str, Any]]]:
        """Ask for the spans of a trace, by the service that sent them."""
        address = self.cluster.read("service", STORE, WHERE)["spec"]["clusterIP"]
        url = f"http://127.0.0.1:{self.cluster.reach(address, QUERY)}"
        return signal_stores.services_of(url, trace)


def programs() -> dict[str, Path] | None:
    """Find both."""
    found = {name: built.newest(f"{name}-*/{name}") for name in PROGRAMS.values()}
    there = {name: path for name, path in found.items() if path}
    return there if len(there) == len(PROGRAMS) else None


def install(
    cluster: Cluster,
    found: Mapping[str, Path],
    docker: Docker,
    values: Mapping[str, Any],
    scratch: Path,
) -> TraceStore:
    """Start both in a namespace that is there, with the collector's rendered values."""
    root = scratch / "root"
    root.mkdir()
    for path in found.values():
        shutil.copy(path, root)
    standins.image(docker, IMAGE, root)
    kube_images.deliver(cluster.nodes, docker, [IMAGE], scratch)
    ports = {"grpc": 4317, "query": QUERY, "queries": 16685, "health": 13133}
    configs = {
        COLLECTOR: signal_stores.collector(values),
        STORE: signal_stores.jaeger_at({name: f"0.0.0.0:{port}" for name, port in ports.items()}),
    }
    cluster.apply([one for name in PROGRAMS for one in _objects(name, configs[name])])
    for name in PROGRAMS:
        cluster.kubectl("rollout", "status", f"deployment/{name}", WHERE, "--timeout=120s")
    return TraceStore(cluster)


def _objects(name: str, config: Mapping[str, Any]) -> list[dict[str, Any]]:
    metadata, chosen = {"name": name, "namespace": NAMESPACE}, {"app": name}
    address = {"fieldRef": {"fieldPath": "status.podIP"}}
    container = {
        "name": name,
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "command": [f"/{PROGRAMS[name]}", "--config=/etc/config/config.yaml"],
        "env": [{"name": "MY_POD_IP", "valueFrom": address}],
        "readinessProbe": {"tcpSocket": {"port": PORTS[name][0]}, "periodSeconds": 1},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/config"}],
    }
    volume = {"name": "config", "configMap": {"name": name}}
    template = {
        "metadata": {"labels": chosen},
        "spec": {"containers": [container], "volumes": [volume]},
    }
    ports = [{"name": f"port-{port}", "port": port} for port in PORTS[name]]
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {"config.yaml": yaml.safe_dump(dict(config))},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {"selector": {"matchLabels": chosen}, "template": template},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"selector": chosen, "ports": ports},
        },
    ]
