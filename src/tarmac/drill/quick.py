"""A set of drills that needs no file: each process is killed, each edge is slow for a while.

What a system is tried with before its owners have written what it promises. All run on one copy,
one after another; what visitors do is a journey of the system's own drills, or the front page of
each public service.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from tarmac.base.errors import TarmacError
from tarmac.base.target import Edges, Instances
from tarmac.drill import game_day, needs, session
from tarmac.drill.drill import Check, DrillContext, DrillResult, Verdict
from tarmac.drill.file import drill_file
from tarmac.drill.file.drill_file import DrillFile, file_model
from tarmac.drill.kinds import chaos
from tarmac.drill.load import front_pages
from tarmac.drill.report import journal
from tarmac.drill.running import running_system
from tarmac.model.system import System
from tarmac.run.local.supervisor.activity import service_of
from tarmac.run.opening import Place
from tarmac.run.system import RunningSystem

KILLED = frozenset({"service", "store", "broker"})
WORLD = "world"
RATE, DELAY, BASELINE, LASTS, RECOVERY = 10.0, "200ms", "3s", "4s", "30s"


@runtime_checkable
class _Target(Instances, Edges, Protocol):
    """Instances to be killed, and edges to be slow."""


@dataclass(frozen=True)
class QuickVisits:
    """What visitors do in a quick set."""

    #: The file with the journey.
    journeys: Path
    journey: str
    rate: float


def visits(system: System) -> QuickVisits:
    """Choose the journey of the system's first drill, or front pages where it has none."""
    for path in drill_file.drills_of(system):
        load = drill_file.load(path, system).load
        return QuickVisits(Path(system.folder) / "journeys.py", load.journey, load.rate)
    return QuickVisits(Path(front_pages.__file__), front_pages.NAME, RATE)


def carry_out(
    system: System, file: Path, say: session.Say, place: Place
) -> list[tuple[str, DrillResult]]:
    """Run the set, on the copy of a namespace, or on a new one and on another once that is broken.

    Raises:
        BadInput: the place lacks what the set needs.
        TarmacError: the copy does not come up.
    """
    needs.check_abilities("--quick", (_Target,), place.target)
    wanted = visits(system)
    found: list[tuple[str, DrillResult]] = []
    planned: list[tuple[str, DrillFile]] | None = None
    while planned is None or len(found) < len(planned):
        with contextlib.ExitStack() as stack:
            running = stack.enter_context(session.system_to_drill(system, file, place, {}, say))
            target = stack.enter_context(running.target({}))
            telemetry = stack.enter_context(running.counting(()))
            state = running_system.steady_state(running, telemetry)
            assert isinstance(target, _Target)  # noqa: S101 - it was checked
            if planned is None:
                planned = list(drills(target, wanted))
            for name, drill in planned[len(found) :]:
                session.noted(target, say)(f"drill {len(found) + 1} of {len(planned)}: {name}")
                result = _result(DrillContext(drill, wanted.journeys, target, state))
                found.append((name, result))
                say(f"  {result.verdict}: {deciding(result)}")
                if is_broken(result, running) and place == session.ON_A_COPY:
                    say("  the copy is broken: what comes next gets another")
                    break
    return found


def is_broken(result: DrillResult, running: RunningSystem) -> bool:
    """Tell whether a system has not come back from a drill: the next would show that again."""
    if result.verdict is Verdict.PASS:
        return False
    try:
        return not running.status().healthy
    except TarmacError:  # its supervisor is gone
        return True


def _result(context: DrillContext[Any]) -> DrillResult:
    try:
        return chaos.DRILL.run(context)
    except TarmacError as error:
        return DrillResult((Check("setup", "the drill can begin", False, str(error)),))


def deciding(result: DrillResult) -> str:
    """Say by which rule a drill was decided: the first that does not hold, or how it recovered."""
    for about in ("setup", "fault", "hypothesis"):
        for check in result.checks:
            if check.about == about and not check.holds:
                return f"{check.what}: {check.measured}"
    return f"visits as before after {result.recovered_s or 0.0:.1f} s"


def as_data(
    system: System, found: Sequence[tuple[str, DrillResult]], started: dt.datetime
) -> dict[str, Any]:
    """Write a set as data for JSON; its verdict is the worst of those that showed something."""
    verdicts: list[str] = [result.verdict for _, result in found]
    shown = [one for one in verdicts if one != Verdict.INVALID] or [Verdict.INVALID.value]
    return {
        "journal": journal.FORMAT,
        "verdict": game_day.worst(shown).value,
        "system": system.name,
        "started": started.isoformat(timespec="seconds"),
        "drills": [{"drill": name, **journal.of_result(result)} for name, result in found],
    }


def drills(target: _Target, wanted: QuickVisits) -> Iterator[tuple[str, DrillFile]]:
    """Yield the drills of a system that runs, with their names: kills first."""
    running = (one for one in target.instances() if one.pid and one.role in KILLED)
    for service in dict.fromkeys(service_of(one.name) for one in running):
        step = {"fault": "kill", "on": service}
        yield f"kill {service}", _drill(wanted, f"{service} is killed", step)
    for edge in target.edges():
        if edge.source != WORLD:
            on = f"{edge.source} -> {edge.target}"
            step = {"fault": "latency", "on": on, "delay": DELAY, "for": LASTS}
            yield f"slow {on}", _drill(wanted, f"{on} is slow", step)


def _drill(wanted: QuickVisits, title: str, step: dict[str, Any]) -> DrillFile:
    return file_model().model_validate(
        {
            "drill": 1,
            "title": title,
            "load": {"journey": wanted.journey, "rate": wanted.rate},
            "hypothesis": {"objectives": ()},
            "method": (step,),
            "baseline": BASELINE,
            "recovery": RECOVERY,
        }
    )
