"""A drill's file: `drills/NAME.yaml` beside `tarmac.yaml`, typed and checked like the model.

The grammar is Chaos Toolkit's (steady-state hypothesis, method, journal) with the model's nouns.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union

from pydantic import Field, create_model

import tarmac.catalog.faults
from tarmac.base import registry
from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.base.foreign import files
from tarmac.catalog.faults.fault import Fault, Step
from tarmac.drill.file.section_checks import (
    tried,
    wrong_of_failover,
    wrong_of_probes,
    wrong_of_restore,
)
from tarmac.drill.file.sections import (
    Canary,
    Capacity,
    Draw,
    Failover,
    Probe,
    Restore,
    Scale,
    misplaced,
)
from tarmac.model.checklist import Words
from tarmac.model.loader import read_as
from tarmac.model.schema import DIALECT
from tarmac.model.system import System
from tarmac.model.value import Duration, Name, StrictModel
from tarmac.plan.ports import BROKER

FOLDER = "drills"


class Stage(StrictModel):
    """Another rate for a while."""

    rate: float = Field(gt=0, le=10_000, description="Visits that begin per second.")
    for_: Duration = Field(alias="for", description="For how long.")


class LoadWanted(StrictModel):
    """What visitors do meanwhile."""

    journey: str = Field(description="A name in JOURNEYS of the system's journeys.py.")
    rate: float = Field(gt=0, le=10_000, description="Visits that begin per second.")
    timeout: Duration = Field(default=10.0, description="A visit that takes longer has failed.")
    stages: tuple[Stage, ...] = Field(
        default=(),
        description="Other rates one after another from the baseline's end: a spike, a ramp. Then "
        "`rate` again.",
    )

    @property
    def staged_s(self) -> float:
        """How long it has other rates."""
        return sum(stage.for_ for stage in self.stages)


class Hypothesis(StrictModel):
    """What must hold, whatever happens."""

    objectives: Literal["all"] | tuple[str, ...] = Field(
        default="all", description="Objectives by name; over the whole drill, not their window."
    )
    invariants: Literal["all"] | tuple[Name, ...] = Field(
        default="all", description="Invariants by name; once the system is quiescent."
    )
    success: float | None = Field(
        default=None, gt=0, le=100, description="The percentage of visits that must be good."
    )
    p99: Duration | None = Field(default=None, description="99 % of visits must end within it.")

    @property
    def objective_names(self) -> tuple[str, ...] | None:
        """Those that must hold; None for all."""
        return None if self.objectives == "all" else tuple(self.objectives)

    @property
    def invariant_names(self) -> tuple[str, ...] | None:
        """Those that must hold; None for all."""
        return None if self.invariants == "all" else tuple(self.invariants)


class Abort(StrictModel):
    """When to stop at once and undo everything."""

    failed: float = Field(gt=0, le=100, description="The percentage of visits that fail.")
    over: Duration = Field(default=5.0, description="The time in which they do.")


class DrillFile(StrictModel):
    """What stands in a drill's file; its method's steps are those of the faults."""

    drill: Literal[1] = Field(description="The format's version.")
    title: Words = Field(description="What happens, as a sentence.")
    kind: str = Field(default="chaos", description="The kind of drill.")
    load: LoadWanted
    instances: dict[Name, Annotated[int, Field(ge=1)]] = Field(
        default={},
        description="Service -> its instances in the copy, spread over zones; default: 1.",
    )
    hypothesis: Hypothesis = Hypothesis()
    expect: Literal["PASS", "FAIL"] = Field(
        default="PASS", description="The verdict that the drill is to have: FAIL for a known limit."
    )
    probes: tuple[Probe, ...] = Field(
        default=(),
        description="Requests to services during the drill, at most one entry per service.",
    )
    method: tuple[Step, ...] = Field(default=(), description="The faults, one step each.")
    baseline: Duration = Field(default=5.0, description="Time before the first fault.")
    recovery: Duration = Field(
        default=15.0, description="How long it may take until all is as before."
    )
    abort: Abort | None = None
    canary: Canary | None = Field(default=None, description="For the kind `canary`.")
    capacity: Capacity | None = Field(default=None, description="For the kind `capacity`.")
    draw: Draw | None = Field(default=None, description="For the kind `random`.")
    failover: Failover | None = Field(default=None, description="For the kind `failover`.")
    restore: Restore | None = Field(default=None, description="For the kind `restore`.")
    scale: Scale | None = Field(default=None, description="For the kind `scale`.")

    @property
    def copied_with(self) -> dict[str, dict[str, Any]]:
        """What a new copy is started with for this drill: options of `up` by name."""
        found: dict[str, dict[str, Any]] = {"scale": dict(self.instances)}
        for step in self.method:
            wanted = faults()[step.fault].copied_with
            for option, values in wanted(step).items() if wanted else ():
                found.setdefault(option, {}).update(values)
        return found

    @property
    def disturbed_s(self) -> float:
        """How long the method takes, from the first fault to the end of the last."""
        by_itself_s = self.restore.at + self.restore.rto if self.restore else 0.0
        if self.canary:
            by_itself_s += self.canary.longest_s
        if self.failover:  # and visits go as before, also once the old region is back
            by_itself_s = self.failover.disturbed_s + self.recovery
        if self.scale:  # up and down, a start and an end
            by_itself_s += self.scale.hold + 2 * self.recovery
        steps_s = max((step.at + _lasts(step) for step in self.method), default=by_itself_s)
        return max(steps_s, self.load.staged_s)

    @property
    def stages(self) -> Iterator[tuple[float, float]]:
        """Yield the rates of the load one after another, each with its seconds."""
        yield self.load.rate, self.baseline
        yield from ((stage.rate, stage.for_) for stage in self.load.stages)
        yield self.load.rate, self.seconds - self.baseline - self.load.staged_s

    @property
    def seconds(self) -> float:
        """How long the load takes at most."""
        return self.baseline + self.disturbed_s + self.recovery


@functools.cache
def faults() -> dict[str, Fault]:
    """Load the catalogue of faults, by id."""
    return registry.load(tarmac.catalog.faults, "FAULT")


@functools.cache
def file_model() -> type[DrillFile]:
    """Make the type of a drill's file, with the steps of all faults that there are."""
    steps: Any = functools.reduce(operator.or_, (fault.step for fault in faults().values()))
    step = Annotated[Union[steps], Field(discriminator="fault")]  # noqa: UP007 - one by the fault
    made: type[DrillFile] = create_model(
        "DrillFile", __base__=DrillFile, method=(tuple[step, ...], ())
    )
    return made


def drill_schema() -> dict[str, Any]:
    """Make the JSON Schema of a drill's file, for editors."""
    return {
        "$schema": DIALECT,
        **file_model().model_json_schema(mode="validation"),
        "title": "a drill",
    }


def find(system: System, name: str) -> Path:
    """Find a drill's file, by the name of one of the system's, or by its path. Raises BadInput."""
    known = {path.stem: path for path in drills_of(system)}
    if name in known:
        return known[name]
    if Path(name).is_file():
        return Path(name)
    hint = did_you_mean(name, known) if known else f"write {FOLDER}/{name}.yaml"
    raise BadInput([Problem(name, f"no drill of {system.name}, and no file; {hint}")])


def drills_of(system: System) -> list[Path]:
    """List the files of a system's drills, by name."""
    return sorted((Path(system.folder) / FOLDER).glob("*.yaml"))


def load(path: Path, system: System) -> DrillFile:
    """Read and check a drill's file against its system. Raises BadInput with every problem."""
    return read(str(path), files.content(str(path)), system)


def read(name: str, content: bytes, system: System) -> DrillFile:
    """Read and check what stands in a drill's file; `name` is for its problems. Raises BadInput."""
    found, document = read_as(file_model(), name, content)
    problems: list[Problem] = []

    def check(names: object, known: Any, at: tuple[str | int, ...], what: str) -> None:
        for number, given in enumerate(names if isinstance(names, tuple) else ()):
            if given not in known:
                place, hint = str(document.locate((*at, number))), did_you_mean(given, known)
                problems.append(Problem(place, f"no {what} '{given}'; {hint}"))

    wanted = found.hypothesis
    check(wanted.invariants, system.file.invariants, ("hypothesis", "invariants"), "invariant")
    check(wanted.objectives, _objectives(system), ("hypothesis", "objectives"), "objective")
    known = [*system.file.stores, *([BROKER] if system.file.broker else [])]
    check(found.restore and found.restore.stores, known, ("restore", "stores"), "store")
    check(found.failover and found.failover.stores, known, ("failover", "stores"), "store")
    services = system.file.services
    for section in ("canary", "failover", "scale"):
        service = getattr(getattr(found, section), "service", None)
        if service is not None and service not in services:
            what = f"no service '{service}'; {did_you_mean(service, services)}"
            problems.append(Problem(str(document.locate((section, "service"))), what))
    for at, what in wrong_of_probes(found.probes, system):
        problems.append(Problem(str(document.locate(at)), what))
    if found.canary is not None:
        canary, wrong = tried(found.canary, system)
        problems += (Problem(str(document.locate(("canary", *at))), why) for at, why in wrong)
        found = found.model_copy(update={"canary": canary})
    if found.restore is not None:
        for inside, what in wrong_of_restore(found.restore, system):
            problems.append(Problem(str(document.locate(("restore", *inside))), what))
    if found.failover is not None:
        for inside, what in wrong_of_failover(found.failover, system):
            is_key = inside[0] == "once_promoted"
            place = str(document.locate(("failover", *inside), key=is_key))
            problems.append(Problem(place, what))
    problems += (Problem(str(document.locate((place,))), what) for place, what in misplaced(found))
    for service in found.instances.keys() - system.file.services.keys():
        place = str(document.locate(("instances", service), key=True))
        hint = did_you_mean(service, system.file.services)
        problems.append(Problem(place, f"no service '{service}'; {hint}"))
    if problems:
        raise BadInput(problems)
    return found


def _objectives(system: System) -> list[str]:
    from tarmac.plan.slo.measured import MeasuredObjective  # noqa: PLC0415 - few drills name one

    return [MeasuredObjective(one, system.name).name for one in system.file.objectives]


def _lasts(step: Step) -> float:
    return faults()[step.fault].lasts_s(step)
