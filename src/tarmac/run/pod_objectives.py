"""Observes the objectives of a system in a cluster, by the metrics of its services' own pods."""

from __future__ import annotations

import contextlib
import time

from tarmac.base.errors import TarmacError
from tarmac.model.system import System
from tarmac.run.cluster.running import DeployedSystem
from tarmac.run.pod_metrics import pod_metrics
from tarmac.run.telemetry import awaited, metrics, storage
from tarmac.run.telemetry import objectives as observing
from tarmac.run.telemetry.objectives import ObservedObjective


def observe(
    running: DeployedSystem, system: System, for_s: float
) -> tuple[list[ObservedObjective], int]:
    """Count requests in services' pods for some seconds; returns when that ended, too.

    What a pod has counted before is left out, unless it has just begun.

    Returns:
        The objectives, and the end in milliseconds since the epoch.

    Raises:
        TarmacError: no pod told anything, or the cluster does not show its pods.
    """
    asked = {objective.service for objective in system.file.objectives}
    services = {one.name for one in running.plan.services if one.metrics is not None} & asked
    running.look()  # what may not be seen is told now, and not awaited
    with pod_metrics(running, services) as telemetry:
        awaited.wait_read(telemetry, services)
        with contextlib.closing(storage.reader(telemetry)) as stored:
            if services and not any(metrics.observed_since(stored, one) for one in services):
                what = f"no metrics of {', '.join(sorted(services))} were read"
                raise TarmacError(f"{what} in {running.kubectl.context}; see `tarmac ps`")
            time.sleep(for_s)
            awaited.wait_read(telemetry, services)
            now_ms = time.time_ns() // 1_000_000
            return observing.observe(stored, system, now_ms), now_ms
