"""Reads the metrics of services' pods while they are observed.

Used by drills and by `tarmac objectives` in a cluster. Nothing is installed there: a port is led to
each pod, also to those that are made meanwhile.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tarmac.base.errors import TarmacError
from tarmac.plan.scrape import ScrapeTarget
from tarmac.run.cluster.forwarding import ForwardedPort, forwarding
from tarmac.run.cluster.running import NAME, DeployedSystem, selector
from tarmac.run.scraping import scraping


@dataclass(frozen=True)
class _Pod:
    """A pod whose metrics are read."""

    service: str
    port: int


@dataclass
class PodPorts:
    """Ports of this machine that lead to the metrics of pods; `targets` keeps them true."""

    running: DeployedSystem
    #: Where each service has its metrics.
    metrics: dict[str, int]
    _ways: dict[str, tuple[_Pod, ForwardedPort, contextlib.ExitStack]] = field(default_factory=dict)

    def targets(self) -> list[ScrapeTarget]:
        """Lead to pods that are new and to no others any more; list where they are reached."""
        pods = self._pods()
        for name in [name for name in self._ways if name not in pods]:
            _, _, way = self._ways.pop(name)
            way.close()
        for name, pod in pods.items():
            if name in self._ways:
                _, port, way = self._ways[name]
                if port.lives:
                    continue
                way.close()
                del self._ways[name]
            way = contextlib.ExitStack()
            with contextlib.suppress(TarmacError):  # its container is not there yet: another time
                port = way.enter_context(forwarding(self.running, f"pod/{name}", pod.port))
                self._ways[name] = (pod, port, way)
        return [
            ScrapeTarget(pod.service, name, f"127.0.0.1:{port.port}")
            for name, (pod, port, _) in self._ways.items()
        ]

    def close(self) -> None:
        """Lead to none any more."""
        for _, _, way in self._ways.values():
            way.close()
        self._ways.clear()

    def _pods(self) -> dict[str, _Pod]:
        argv = ("get", "pods", self.running.where, selector(self.metrics))
        found = self.running.kubectl.read(*argv)
        return {
            pod["metadata"]["name"]: _Pod(service, self.metrics[service])
            for pod in found
            if pod["status"].get("phase") == "Running"
            and (service := pod["metadata"]["labels"][NAME]) in self.metrics
        }


@contextlib.contextmanager
def pod_metrics(running: DeployedSystem, services: Collection[str]) -> Iterator[Path]:
    """Scrape the services' pods until the end; return the telemetry file."""
    metrics = {
        one.name: one.metrics
        for one in running.plan.services
        if one.name in services and one.metrics is not None
    }
    ports = PodPorts(running, metrics)
    with (
        contextlib.closing(ports),
        scraping(ports.targets if metrics else None) as telemetry,
    ):
        yield telemetry
