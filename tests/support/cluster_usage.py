"""What pods use, in the tests' cluster: metrics-server as a process beside the API server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import built
from cluster import Cluster
from cluster_node import HUB
from deployed import DeployedSystem

GET = "there is no metrics-server; run .ci/metrics (`make tools`)"
PORT = 4443
#: Requests at a time that keep a service busy.
AT_ONCE = 8
#: How long an autoscaler waits before it takes a pod.
QUIET = "/spec/behavior/scaleDown/stabilizationWindowSeconds"
NAME = {"name": "metrics-server", "namespace": "kube-system"}
#: Where the API server finds it: on no node, so nothing but an address leads there.
OBJECTS = (
    {"apiVersion": "v1", "kind": "Service", "metadata": NAME, "spec": {"ports": [{"port": 443}]}},
    {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**NAME, "labels": {"kubernetes.io/service-name": NAME["name"]}},
        "addressType": "IPv4",
        "ports": [{"name": "", "port": PORT, "protocol": "TCP"}],
        "endpoints": [{"addresses": [HUB], "conditions": {"ready": True}}],
    },
    {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": {
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,  # it makes a certificate of its own
            "service": NAME,
        },
    },
)


def program() -> Path | None:
    """Find metrics-server."""
    return built.newest("metrics-server-*/metrics-server")


def begin(cluster: Cluster, server: Path) -> None:
    """Start it; it has something to tell after two of its rounds, of 10 s."""
    inside = cluster.inside_kubeconfig()
    clients = ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
    cluster.hub.start(
        str(server),
        *(f"--{client}={inside}" for client in clients),
        f"--secure-port={PORT}",
        f"--cert-dir={cluster.folder / 'metrics-server'}",
        "--kubelet-insecure-tls",
        "--kubelet-preferred-address-types=InternalIP",
        "--metric-resolution=10s",
        "--kubelet-request-timeout=5s",
    )
    cluster.apply(OBJECTS)


@asynccontextmanager
async def busy(session: aiohttp.ClientSession, url: str) -> AsyncIterator[None]:
    """Ask without a pause, as long as the block runs."""
    ended = asyncio.Event()

    async def ask() -> None:
        while not ended.is_set():
            async with session.get(url) as answer:
                await answer.read()

    asking = [asyncio.create_task(ask()) for _ in range(AT_ONCE)]
    try:
        yield
    finally:
        ended.set()
        await asyncio.gather(*asking)


def take_at_once(system: DeployedSystem, service: str) -> None:
    """Have an autoscaler take pods without the five quiet minutes that are rendered."""
    patch = json.dumps([{"op": "replace", "path": QUIET, "value": 0}])
    system.k("patch", "horizontalpodautoscaler", service, "--type=json", f"--patch={patch}")
