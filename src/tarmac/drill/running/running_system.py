"""Asks a running system for its steady state."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tarmac.drill.steady_state import BrokenInvariant, CountedObjective, SteadyState
from tarmac.model.system import System
from tarmac.plan.slo import indicator
from tarmac.plan.slo.measured import MeasuredObjective
from tarmac.run.local.stores import invariants
from tarmac.run.system import RunningSystem
from tarmac.run.telemetry import metrics, objectives, storage
from tarmac.run.telemetry.awaited import wait_read_from

#: Rows of one invariant that are named.
SHOWN_ROWS = 3


def steady_state(running: RunningSystem, telemetry: Path) -> SteadyState:
    """Return what asks the stores and the telemetry of a running system.

    Args:
        telemetry: the file that holds what its services have counted.
    """
    return SteadyState(
        broken=functools.partial(broken_invariants, running),
        objectives=functools.partial(counted, running.model, telemetry),
        requests=functools.partial(_requests, telemetry),
    )


def broken_invariants(running: RunningSystem, names: Iterable[str] | None) -> list[BrokenInvariant]:
    """List those of these invariants, or of all, that do not hold now."""
    wanted = set(running.model.file.invariants if names is None else names)
    return [
        BrokenInvariant(result.name, result.error or _rows(result))
        for result in running.invariants()
        if not result.holds and result.name in wanted
    ]


def _rows(result: invariants.InvariantResult) -> str:
    shown = "; ".join(map(str, result.wrong[:SHOWN_ROWS]))
    more = len(result.wrong) - SHOWN_ROWS
    return f"{shown} and {more} more" if more > 0 else shown


def wanted_objectives(system: System, names: Iterable[str] | None) -> list[MeasuredObjective]:
    """List the objectives of these names, or all of a system's."""
    measured = [MeasuredObjective(one, system.name) for one in system.file.objectives]
    return [one for one in measured if names is None or one.name in set(names)]


def counted(
    system: System, telemetry: Path, names: Iterable[str] | None, since: float
) -> Sequence[CountedObjective]:
    """Count the requests of these objectives, or of all, since then, in seconds of the epoch.

    Args:
        telemetry: the file that holds what their services have counted.
    """
    wanted = wanted_objectives(system, names)
    if not wanted:
        return ()
    since_ms = int(since * 1000)
    with contextlib.closing(storage.reader(telemetry)) as stored:
        now_ms = wait_read_from(stored, {objective.service for objective in wanted})
        return [
            CountedObjective(
                objective.name,
                objective.sentence,
                objective.target,
                objectives.counting(stored, objective, now_ms)((now_ms - since_ms) / 1000, 0)
                if objective.counted
                else None,
            )
            for objective in wanted
        ]


def _requests(telemetry: Path, service: str, since: float) -> Mapping[str, float]:
    with contextlib.closing(storage.reader(telemetry)) as stored:
        wait_read_from(stored, {service})
        counted = metrics.by_instance(
            stored, service, indicator.REQUESTS, indicator.is_counted, int(since * 1000)
        )
    return {_node(service, name): many for name, many in counted.items()}


def _node(service: str, instance: str) -> str:
    """Name the node of an instance as telemetry calls it: the first is called like its service."""
    number = instance.removeprefix(f"{service}-")
    return service if number == "1" else f"{service}.{number}"
