"""What a kind of drill declares, and what a drill results in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from tarmac.base.target import Instances
from tarmac.drill.file.drill_file import DrillFile
from tarmac.drill.steady_state import BrokenInvariant, SteadyState
from tarmac.model.system import System

T_co = TypeVar("T_co", bound=Instances, covariant=True)


class Verdict(StrEnum):
    """What a drill has shown."""

    #: The fault was there, and the system held what the hypothesis says.
    PASS = "PASS"  # noqa: S105 - no password
    #: The fault was there, and the system did not.
    FAIL = "FAIL"
    #: Nothing was shown: no proof of the fault, no traffic, a load that could not keep its rate.
    INVALID = "INVALID"


def outcome(verdict: str, expected: str) -> Verdict:
    """Judge a verdict: PASS where its file expects it, FAIL where it expects another."""
    if verdict == Verdict.INVALID:
        return Verdict.INVALID
    return Verdict.PASS if verdict == expected else Verdict.FAIL


def measured(measure: str, limit: str) -> str:
    """Return what a rule measured, and what was asked where the rule has a limit."""
    return f"{measure} (asked: {limit})" if limit else measure


def sentence(verdict: str, expected: str) -> str:
    """Say a verdict, and what its file expects where that is not PASS."""
    if expected == Verdict.PASS:
        return str(verdict)
    if verdict == expected:
        return f"{verdict}, as expected"
    return f"{verdict}, though {expected} is expected"


@dataclass(frozen=True)
class Check:
    """One rule of a verdict."""

    #: `setup` and `fault` make a drill valid, `hypothesis` decides between PASS and FAIL.
    about: Literal["setup", "fault", "hypothesis"]
    what: str
    holds: bool
    #: What was measured, and what was asked for.
    measured: str
    limit: str = ""


@dataclass(frozen=True)
class Event:
    """Something that happened, in seconds from the beginning of the load."""

    at_s: float
    what: str


@dataclass(frozen=True)
class Period:
    """A part of the load: before, during and after the faults."""

    name: str
    first_s: int
    last_s: int
    visits: int
    good: int
    failed: Counter[str]
    p50_s: float
    p99_s: float
    longest_s: float

    @property
    def good_share(self) -> float | None:
        """The share of good visits; None without any."""
        return self.good / self.visits if self.visits else None


@dataclass(frozen=True)
class DrillResult:
    """What one run of a drill has shown, and by which numbers."""

    checks: tuple[Check, ...]
    events: tuple[Event, ...] = ()
    periods: tuple[Period, ...] = ()
    #: Seconds from the end of the last fault until visits went as before; None: not in time.
    recovered_s: float | None = None
    #: By second of the load: good and failed visits, and the p99 of their durations.
    seconds: tuple[tuple[int, int, float], ...] = ()
    #: What was drawn was drawn by this.
    seed: int | None = None

    @property
    def verdict(self) -> Verdict:
        """Return INVALID if a precondition fails; else PASS or FAIL by the hypothesis."""
        if not self.checks or any(not c.holds for c in self.checks if c.about != "hypothesis"):
            return Verdict.INVALID
        return Verdict.PASS if all(check.holds for check in self.checks) else Verdict.FAIL


@dataclass(frozen=True)
class Region(Generic[T_co]):
    """One of two copies of the system."""

    target: T_co
    #: Those of these invariants that do not hold there now; of all for None.
    broken: Callable[[Iterable[str] | None], Sequence[BrokenInvariant]]


@dataclass(frozen=True)
class DrillContext(Generic[T_co]):
    """What a drill runs on; `T_co` is what it needs of a target."""

    file: DrillFile
    #: The system's journeys.py.
    journeys: Path
    target: T_co
    steady_state: SteadyState
    #: Told what happens, as it happens.
    say: Callable[[str], None] = field(default=lambda _: None)
    #: Another copy, with the same secrets; None: the drill has no use for one.
    second: Region[T_co] | None = None


@dataclass(frozen=True)
class Drill:
    """One kind of drill."""

    id: str
    title: str
    #: How it decides, as sentences.
    rules: Sequence[str]
    run: Callable[[DrillContext[Any]], DrillResult]
    #: What it needs of a target beside what its faults need: protocols of `tarmac.base.target`.
    needs: Collection[type] = (Instances,)
    #: How the load goes on, as the end of a sentence; None: once, with all steps during it.
    pace: Callable[[DrillFile], str] | None = None
    #: The method is what may happen; which of it does, and when, is drawn.
    is_drawn: bool = False
    #: Objectives are counted in it.
    judges_objectives: bool = True
    #: It deletes data: it never runs on a copy that its user started.
    destroys: bool = False
    #: It has another copy beside the one that it runs on.
    has_regions: bool = False
    #: What it does not show of a system, as sentences.
    gaps: Callable[[DrillFile, System], Sequence[str]] = field(default=lambda _file, _system: ())
