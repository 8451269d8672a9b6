"""Asks a system that runs on this machine for its steady state."""

from __future__ import annotations

import contextlib
import functools
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from tarmac.drills.steady_state import BrokenInvariant, CountedObjective, SteadyState
from tarmac.local.state.paths import Home
from tarmac.local.stores import invariants
from tarmac.local.supervisor import client
from tarmac.model.system import System
from tarmac.slo import indicator
from tarmac.slo.measured import MeasuredObjective
from tarmac.telemetry import metrics, objectives, storage

#: The metrics of an instance are read within this time, and what was counted is there then.
READ_S = 20.0
POLL_S = 0.2
#: Rows of one invariant that are named.
SHOWN_ROWS = 3


def steady_state(system: System, home: Home) -> SteadyState:
    """Return what asks the stores and the telemetry of a namespace, once both can be asked.

    Raises:
        TarmacError: objectives are declared, and nothing counts their requests.
    """
    services = {objective.service for objective in system.file.objectives}
    options = client.last_options(home)
    if services and options is not None and options.telemetry:  # it begins after the system
        end = time.monotonic() + READ_S
        while not home.telemetry.exists() and time.monotonic() < end:
            time.sleep(POLL_S)
    if services:
        wait_read(home.telemetry, services)
    return SteadyState(
        broken=functools.partial(broken_invariants, system, home),
        objectives=functools.partial(counted, system, home.telemetry),
        requests=functools.partial(_requests, home),
    )


def broken_invariants(
    system: System, home: Home, names: Iterable[str] | None
) -> list[BrokenInvariant]:
    """List those of these invariants, or of all, that do not hold in a namespace now."""
    return broken_at(system, functools.partial(client.store_url, home), names)


def broken_at(
    system: System, url_of: Callable[[str], str], names: Iterable[str] | None
) -> list[BrokenInvariant]:
    """List those that do not hold now, of stores that have these URLs."""
    wanted = set(system.file.invariants if names is None else names)
    found = invariants.ask(system, url_of)
    return [
        BrokenInvariant(result.name, result.error or _rows(result))
        for result in found
        if not result.holds and result.name in wanted
    ]


def _rows(result: invariants.InvariantResult) -> str:
    shown = "; ".join(map(str, result.wrong[:SHOWN_ROWS]))
    more = len(result.wrong) - SHOWN_ROWS
    return f"{shown} and {more} more" if more > 0 else shown


def wait_read(telemetry: Path, services: Collection[str]) -> None:
    """Wait until all these services were read: what they have counted before is not known.

    Raises:
        TarmacError: nothing counts their requests.
    """
    with contextlib.closing(storage.reader(telemetry)) as stored:
        _wait_read(stored, services)


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
        now_ms = _wait_read(stored, {objective.service for objective in wanted})
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


def _requests(home: Home, service: str, since: float) -> Mapping[str, float]:
    with contextlib.closing(storage.reader(home.telemetry)) as stored:
        _wait_read(stored, {service})
        counted = metrics.by_instance(
            stored, service, indicator.REQUESTS, indicator.is_counted, int(since * 1000)
        )
    return {_node(service, name): many for name, many in counted.items()}


def _node(service: str, instance: str) -> str:
    """Name the node of an instance as telemetry calls it: the first is called like its service."""
    number = instance.removeprefix(f"{service}-")
    return service if number == "1" else f"{service}.{number}"


def _wait_read(stored: sqlite3.Connection, services: Collection[str]) -> int:
    """Wait until the metrics of all these services were read after now; returns that time."""
    asked_ms = time.time_ns() // 1_000_000
    end = time.monotonic() + READ_S
    while time.monotonic() < end:
        read = [metrics.last_read(stored, service, asked_ms) or 0 for service in services]
        if min(read, default=asked_ms + 1) > asked_ms:
            break
        time.sleep(POLL_S)
    return time.time_ns() // 1_000_000
