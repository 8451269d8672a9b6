"""Which instances here have metrics, and where: those that a cluster's Prometheus would scrape.

Pure. The supervisor writes the list as a file in the format of Prometheus's file_sd; the telemetry
process reads it, and a Prometheus of the user's own can
(prometheus.io/docs/prometheus/latest/configuration/configuration/#file_sd_config).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tarmac.model.system import System
    from tarmac.plan.plan import Node

SERVICE, INSTANCE = "service", "instance"


@dataclass(frozen=True, slots=True)
class ScrapeTarget:
    """One instance with metrics."""

    service: str
    #: As spans name it: `orders-2`.
    instance: str
    #: `127.0.0.1:8080`; its metrics are at `/metrics`.
    address: str


def targets(nodes: Iterable[Node], system: System, host: str) -> list[ScrapeTarget]:
    """List the instances of services with metrics; a worker's are where its health is."""
    found = []
    for node in nodes:
        if node.role != "service" or node.outside or not system.is_kit(node.service):
            continue
        port = next(iter(node.ports.values()), None) or next(iter(sorted(node.listening)), None)
        if port is not None:
            name = f"{node.service}-{node.number}"
            found.append(ScrapeTarget(node.service, name, f"{host}:{port}"))
    return found


def as_text(found: Iterable[ScrapeTarget]) -> str:
    """Write the file's content."""
    groups = [
        {
            "targets": [target.address],
            "labels": {SERVICE: target.service, INSTANCE: target.instance},
        }
        for target in found
    ]
    return json.dumps(groups, indent=1)


def from_text(content: str) -> list[ScrapeTarget]:
    """Read the file's content. Raises ValueError if it is invalid."""
    try:
        return [
            ScrapeTarget(group["labels"][SERVICE], group["labels"][INSTANCE], address)
            for group in json.loads(content)
            for address in group["targets"]
        ]
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a file of targets ({error!r})") from None
