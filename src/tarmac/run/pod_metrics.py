"""Reads the metrics of services' pods while they are observed, as the telemetry does here.

Used by drills and by `tarmac objectives` in a cluster. Nothing is installed there: a port is led to
each pod, also to those that are made meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import tempfile
import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tarmac.base.errors import TarmacError
from tarmac.plan import scrape
from tarmac.plan.scrape import ScrapeTarget
from tarmac.run.cluster.forwarding import ForwardedPort, forwarding
from tarmac.run.cluster.running import NAME, DeployedSystem, selector
from tarmac.run.local.state.files import write_atomically
from tarmac.run.telemetry import samples
from tarmac.run.telemetry.scraper import Scraper
from tarmac.run.telemetry.storage import Storage

#: What a pod has counted since its last reading is lost with it.
EVERY_S = 2.0


@dataclass(frozen=True)
class _Pod:
    """A pod whose metrics are read."""

    service: str
    port: int


@dataclass
class PodPorts:
    """Ports of this machine that lead to the metrics of pods; `follow` keeps them true."""

    running: DeployedSystem
    #: Where each service has its metrics.
    metrics: dict[str, int]
    storage: Storage
    #: The file that the scraper reads.
    targets: Path
    _ways: dict[str, tuple[_Pod, ForwardedPort, contextlib.ExitStack]] = field(default_factory=dict)

    def follow(self) -> None:
        """Lead to pods that are new, and forget those that are gone."""
        pods = self._pods()
        for name in [name for name in self._ways if name not in pods]:
            pod, _, way = self._ways.pop(name)
            way.close()
            gone = functools.partial(samples.forget, service=pod.service, instance=name)
            self.storage.write(gone)
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
        found = [
            ScrapeTarget(pod.service, name, f"127.0.0.1:{port.port}")
            for name, (pod, port, _) in self._ways.items()
        ]
        write_atomically(self.targets, scrape.as_text(found))

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
    with tempfile.TemporaryDirectory(prefix="tarmac-metrics-") as folder:
        path, ended = Path(folder) / "telemetry.db", threading.Event()
        storage = Storage(path)
        if not metrics:
            storage.close()
            yield path
            return
        ports = PodPorts(running, metrics, storage, Path(folder) / "targets.json")
        reader = threading.Thread(target=lambda: asyncio.run(_read(ports, ended)))
        reader.start()
        try:
            yield path
        finally:
            ended.set()
            reader.join()
            ports.close()
            storage.close()


async def _read(ports: PodPorts, ended: threading.Event) -> None:
    scraping = asyncio.create_task(Scraper(ports.storage, ports.targets, every_s=EVERY_S).run())
    while not ended.is_set():
        with contextlib.suppress(TarmacError):  # the cluster may be what is disturbed
            await asyncio.to_thread(ports.follow)
        await asyncio.to_thread(ended.wait, EVERY_S)
    scraping.cancel()
    await asyncio.wait([scraping])
