"""A set of drills that needs no file: each process is killed, each edge is slow for a while.

What a system is tried with before its owners have written what it promises. All run on one copy,
one after another; what visitors do is a journey of the system's own drills, or the front page of
each public service.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tarmac.drills import drill_file
from tarmac.drills.drill_file import DrillFile, file_model
from tarmac.drills.load import front_pages
from tarmac.local.supervisor.activity import service_of
from tarmac.model.system import System
from tarmac.target import Edges, Instances

KILLED = frozenset({"service", "store", "broker"})
WORLD = "world"
RATE, DELAY, BASELINE, LASTS, RECOVERY = 10.0, "200ms", "3s", "4s", "30s"


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
