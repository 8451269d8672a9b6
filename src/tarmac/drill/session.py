"""Runs a drill where it is to run: on a new copy, on a copy that runs, or in a cluster."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tarmac.base.errors import TarmacError
from tarmac.base.target import InstanceTarget
from tarmac.drill import needs
from tarmac.drill.drill import Check, DrillContext, DrillResult, Region
from tarmac.drill.load.process import LoadFailed, check_installed
from tarmac.drill.read_drill import ReadDrill
from tarmac.drill.report import journal
from tarmac.drill.running import running_system
from tarmac.model.system import System
from tarmac.run.copies import temporary_copy
from tarmac.run.local.supervisor.local_target import LocalTarget
from tarmac.run.local_system import LocalSystem
from tarmac.run.opening import LOCAL, Place, opened
from tarmac.run.system import RunningSystem

Say = Callable[[str], None]
#: A namespace of this machine that stands for a new copy.
NEW_COPY = ""
ON_A_COPY = Place(namespace=NEW_COPY)


def carry_out(
    system: System,
    file: Path,
    drill: ReadDrill,
    say: Say,
    place: Place = ON_A_COPY,
    urls: Mapping[str, str] = {},
) -> tuple[DrillResult, dict[str, Any]]:
    """Run a drill; returns its journal, too.

    Args:
        file: the system's.
        place: where the system runs; without a namespace of this machine a copy is started.
        urls: where visitors find services in a cluster; at their public hosts without.

    Raises:
        BadInput: the place lacks what the drill needs.
        MissingTool: there is no package's extra `drill`.
        TarmacError: the copy does not come up, or the drill cannot begin.
    """
    needs.check(drill.path, drill.file, drill.kind, place.target)
    started = dt.datetime.now(dt.UTC)
    names = drill.file.hypothesis.objective_names
    counted = {one.service for one in running_system.wanted_objectives(system, names)}
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(
            system_to_drill(system, file, place, drill.file.copied_with, say)
        )
        target = stack.enter_context(running.target(urls))
        second = None
        if drill.kind.has_regions:
            another = second_region(running, drill.file.instances, say)
            second = stack.enter_context(another)
        telemetry = stack.enter_context(running.counting(counted))
        state, known = running_system.steady_state(running, telemetry), running.stores()
        journeys = Path(system.folder) / "journeys.py"
        say = noted(target, say)
        target.note(drill.file.title)
        try:
            result = drill.kind.run(DrillContext(drill.file, journeys, target, state, say, second))
        except LoadFailed as error:
            if place.target == LOCAL:
                raise
            found = ", ".join(f"{name} at {url}" for name, url in target.urls().items())
            hint = f"visitors were sent to {found}; --url SERVICE=URL names another address"
            raise TarmacError(f"{error}; {hint}") from None
    return result, journalled(system, drill, result, running.kind, known, started)


def carry_out_or_say(
    system: System, file: Path, drill: ReadDrill, say: Say
) -> tuple[DrillResult, dict[str, Any]]:
    """Run a drill of a game day; if it cannot start, record INVALID and continue."""
    started = dt.datetime.now(dt.UTC)
    try:
        return carry_out(system, file, drill, say)
    except TarmacError as error:
        result = DrillResult((Check("setup", "the drill can begin", False, str(error)),))
    return result, journalled(system, drill, result, "", (), started)


@contextlib.contextmanager
def system_to_drill(
    system: System, file: Path, place: Place, copied_with: Mapping[str, Any], say: Say
) -> Iterator[RunningSystem]:
    """Open what runs at a place, or start a copy of the system until the end.

    Args:
        copied_with: the options of `up` for a new copy.
    """
    check_installed()
    if place.target != LOCAL or place.namespace != NEW_COPY:
        with opened(place, file, system) as running:
            yield running
        return
    place.check()
    say("starts a copy of the system")
    with temporary_copy(file, name="drill", telemetry=True, **copied_with) as home:
        yield LocalSystem(file, home, system)


@contextlib.contextmanager
def second_region(
    first: RunningSystem, instances: Mapping[str, int], say: Say
) -> Iterator[Region[LocalTarget]]:
    """Start another copy with the same secrets, as a second region has them, until the end."""
    assert isinstance(first, LocalSystem)  # noqa: S101 - what has regions needs `StoreData`
    say("starts the second region")
    another = temporary_copy(
        first.file, name="second", secrets_of=first.home, scale=dict(instances)
    )
    with another as home:
        second = LocalSystem(first.file, home, first.loaded)
        with second.target({}) as target:
            broken = functools.partial(running_system.broken_invariants, second)
            yield Region(target, broken)


def noted(target: InstanceTarget, say: Say) -> Say:
    """Tell what happens, and have the system's timeline tell it, too."""

    def say_and_note(line: str) -> None:
        say(line)
        target.note(line.strip())

    return say_and_note


def journalled(
    system: System,
    drill: ReadDrill,
    result: DrillResult,
    target: str,
    known: Iterable[str],
    started: dt.datetime,
) -> dict[str, Any]:
    """Write what a drill has shown as its journal."""
    return journal.as_data(
        *(system, drill.path, drill.text, drill.file, result),
        target=target,
        stores=known,
        gaps=drill.gaps,
        started=started,
    )
