"""Runs a drill on a system in a cluster; used by the verb `drill`."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from tarmac.cli import _cluster, _project
from tarmac.cli._drill import ReadDrill, journalled
from tarmac.cluster.cluster_target import KIND, ClusterTarget
from tarmac.cluster.running import RunningSystem
from tarmac.cluster.undoing import undo_process
from tarmac.drills import needs, running_system
from tarmac.drills.drill import DrillContext, DrillResult
from tarmac.drills.load.process import LoadFailed
from tarmac.drills.pod_metrics import pod_metrics
from tarmac.drills.steady_state import BrokenInvariant, SteadyState
from tarmac.errors import BadInput, Problem, TarmacError
from tarmac.model.system import System


def carry_out(
    system: System,
    file: Path,
    drill: ReadDrill,
    place: _cluster.Place,
    urls: Sequence[str],
    say: Callable[[str], None],
) -> tuple[DrillResult, dict[str, Any]]:
    """Run a drill on what runs in a cluster; returns its journal, too.

    Args:
        file: the system's.
        urls: SERVICE=URL, where visitors find services; the environment's public hosts without.

    Raises:
        BadInput: what is not SERVICE=URL; a kind of drill or faults that are not possible there.
        TarmacError: the system is not ready, or the drill cannot begin.
    """
    needs.check(drill.path, drill.file, drill.kind, KIND)
    given = _read(urls)
    started = dt.datetime.now(dt.UTC)
    names = drill.file.hypothesis.objective_names
    wanted = {one.service for one in running_system.wanted_objectives(system, names)}
    with (
        _cluster.opened(str(file), place) as running,
        undo_process(running.kubectl) as undo,
        pod_metrics(running, wanted) as telemetry,
    ):
        entries = given or public_urls(running)
        services = [one.name for one in running.plan.services]
        # NAME:PORT is one of several ports.
        _project.check_names((n.partition(":")[0] for n in entries), services, "no service")
        _check_ready(running)
        running_system.wait_read(telemetry, wanted)
        target = ClusterTarget(running, undo, entries)
        state = SteadyState(
            broken=lambda names: _broken(system, running, names),
            objectives=functools.partial(running_system.counted, system, telemetry),
            requests=lambda _service, _since: {},
        )
        journeys = Path(system.folder) / "journeys.py"
        try:
            result = drill.kind.run(DrillContext(drill.file, journeys, target, state, say))
        except LoadFailed as error:
            found = ", ".join(f"{name} at {url}" for name, url in entries.items())
            hint = f"visitors were sent to {found}; --url SERVICE=URL names another address"
            raise TarmacError(f"{error}; {hint}") from None
    stores = [f"{one.name}: {one.about}" for one in running.plan.stores]
    return result, journalled(system, drill, result, target.kind, stores, started)


def _read(urls: Sequence[str]) -> dict[str, str]:
    """Read `SERVICE=URL`. Raises BadInput."""
    if wrong := [one for one in urls if "://" not in one.partition("=")[2]]:
        what = "is not SERVICE=URL, e.g. web=https://shop.example.com"
        raise BadInput([Problem("--url", f"'{one}' {what}") for one in wrong])
    return {name: url.rstrip("/") for name, _, url in (one.partition("=") for one in urls)}


def public_urls(running: RunningSystem) -> dict[str, str]:
    """Say where the public finds a system: the hosts of the environment's routes."""
    settings = running.plan.settings
    scheme = "https" if settings.ingress is not None and settings.ingress.tls else "http"
    return {
        service.name: f"{scheme}://{service.routes[0].host}"
        for service in running.plan.services
        if service.routes
    }


def _check_ready(running: RunningSystem) -> None:
    late = [
        f"{one.name} ({one.readiness.detail})" for one in running.look() if not one.readiness.ready
    ]
    if late:
        where = f"{running.plan.system} in {running.kubectl.context}"
        raise TarmacError(f"{where} is not ready: {', '.join(late)}; see `tarmac ps`")


def _broken(
    system: System, running: RunningSystem, names: Iterable[str] | None
) -> Sequence[BrokenInvariant]:
    """List those invariants that do not hold now; stores are reached again each time."""
    with contextlib.ExitStack() as ways:
        return running_system.broken_at(system, _cluster.store_urls(running, ways), names)
