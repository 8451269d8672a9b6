"""Observes the objectives of a system elsewhere, by the metrics of its services' own instances."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from pathlib import Path

from tarmac.base.errors import TarmacError
from tarmac.model.system import System
from tarmac.run.telemetry import awaited, metrics, storage
from tarmac.run.telemetry import objectives as observing
from tarmac.run.telemetry.objectives import ObservedObjective

#: Reads the metrics of services until its end, into a file of telemetry.
Counting = Callable[[Collection[str]], AbstractContextManager[Path]]


def observe(
    system: System, services: Collection[str], counting: Counting, for_s: float, where: str
) -> tuple[list[ObservedObjective], int]:
    """Count requests in services' own instances for some seconds; returns when that ended, too.

    What an instance has counted before is left out, unless it has just begun.

    Args:
        services: those that have metrics.
        where: names the place, for an error.

    Returns:
        The objectives, and the end in milliseconds since the epoch.

    Raises:
        TarmacError: no instance told anything.
    """
    asked = {objective.service for objective in system.file.objectives} & set(services)
    with counting(asked) as telemetry:
        awaited.wait_read(telemetry, asked)
        with contextlib.closing(storage.reader(telemetry)) as stored:
            if asked and not any(metrics.observed_since(stored, one) for one in asked):
                what = f"no metrics of {', '.join(sorted(asked))} were read"
                raise TarmacError(f"{what} in {where}; see `tarmac ps`")
            time.sleep(for_s)
            awaited.wait_read(telemetry, asked)
            now_ms = time.time_ns() // 1_000_000
            return observing.observe(stored, system, now_ms), now_ms
