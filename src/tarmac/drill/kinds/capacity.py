"""The drill `capacity`: a load that rises, without a fault, up to the rate that no longer holds."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from tarmac.base.target import Instances, Resources
from tarmac.drill.drill import Check, Drill, DrillContext, DrillResult, Event, Period
from tarmac.drill.explain import time_text
from tarmac.drill.file.drill_file import DrillFile
from tarmac.drill.file.sections import Capacity
from tarmac.drill.load.process import Load, generating
from tarmac.drill.running import checks, under_load

#: Instances that are named as the busiest.
SHOWN = 3
RULE = (
    "Each rate is `capacity.times` the one before, on the same visitors. The last at which visits "
    "are as the hypothesis says is the capacity; PASS if that is at least `capacity.at_least` and "
    "the invariants hold afterwards. Objectives are not judged: they are counted over days."
)
INVALID_RULE = (
    "INVALID: the generator could not keep a rate before the system was "
    "at its limit, or the first rate fails and `at_least` is not set."
)


class _Target(Instances, Resources, Protocol):
    """Instances whose CPU is measured."""


@dataclass
class _Rising:
    """What came of the rates so far."""

    held: float = 0.0
    last: float = 0.0
    #: Of the last rate: what did not hold.
    broken: list[Check] = field(default_factory=list)
    busiest: str = ""
    periods: list[Period] = field(default_factory=list)

    @property
    def measured(self) -> str:
        """Return which rate held, and what broke at the next."""
        why = "; ".join(f"{check.what}: {check.measured}" for check in self.broken)
        rest = f"at {self.last:g}: {why}" if why else "no higher rate was tried"
        return f"{self.held:g} per second hold; {rest}"


def run(context: DrillContext[_Target]) -> DrillResult:
    """Run the drill. Raises TarmacError where the load cannot begin."""
    file, wanted = context.file, context.file.capacity or Capacity()
    rates, rising, events = list(_rates(file.load.rate, wanted)), _Rising(), [Event(0.0, "begins")]
    stages = tuple((rate, wanted.hold) for rate in rates)
    load = Load(
        context.journeys, file.load.journey, context.target.urls(), stages, file.load.timeout
    )
    context.say(f"sets up the journey `{load.journey}`")
    with generating(load) as running:
        began = time.monotonic()
        running.begin()
        for number, rate in enumerate(rates):
            first, last = (math.ceil(n * wanted.hold) for n in (number, number + 1))
            used = context.target.cpu_s()
            time.sleep(max(0.0, began + last - time.monotonic()))
            rising.busiest = _busiest(used, context.target.cpu_s(), last - first)
            # Visits of its last second are under way; a later second has another rate.
            running.wait_over(last, file.load.timeout)
            rising.last, visits = rate, running.between(first, last)
            found = [checks.of_rate(visits), *checks.of_visits(visits, file.hypothesis)]
            rising.broken = [check for check in found if not check.holds]
            rising.periods.append(under_load.period(f"{rate:g}/s", first, last, running))
            said = "does not hold" if rising.broken else "holds"
            events.append(Event(float(last), f"{rate:g} per second {said}; {rising.busiest}"))
            context.say(f"{last:6.1f} s  {events[-1].what}")
            if rising.broken:
                break
            rising.held = rate
        running.end()
    broken = context.steady_state.settled(file.hypothesis.invariant_names, file.recovery)
    shown = tuple((v.good, v.failed.total(), v.percentile_s(99)) for v in running.windows())
    decided = (*_checks(rising, wanted), checks.of_invariants(broken))
    return DrillResult(decided, tuple(events), tuple(rising.periods), seconds=shown)


def _pace(file: DrillFile) -> str:
    wanted = file.capacity or Capacity()
    return f"rising up to {wanted.up_to:g}, {time_text(wanted.hold)} each"


def _rates(first: float, wanted: Capacity) -> Iterator[float]:
    rate = first
    while rate <= wanted.up_to:
        yield round(rate, 2)
        rate *= wanted.times


def _busiest(before: Mapping[str, float], after: Mapping[str, float], seconds: float) -> str:
    cores = {name: (used - before.get(name, 0.0)) / seconds for name, used in after.items()}
    order = sorted(cores.items(), key=lambda pair: -pair[1])
    named = ", ".join(f"{name} {share:.2f}" for name, share in order[:SHOWN])
    return f"busiest: {named}; together {sum(cores.values()):.2f} of {os.cpu_count()} cores"


def _checks(rising: _Rising, wanted: Capacity) -> Iterator[Check]:
    reached = rising.held > 0 and rising.held >= (wanted.at_least or 0.0)
    late = [check for check in rising.broken if check.what == checks.RATE_KEPT]
    if late and not reached:
        yield late[0]
    about: Literal["hypothesis", "setup"] = "hypothesis" if wanted.at_least else "setup"
    limit = f"{wanted.at_least:g}" if wanted.at_least else "any"
    yield Check(about, "visits that the system takes", reached, rising.measured, limit)
    yield Check("hypothesis", "at the last rate", True, rising.busiest)


DRILL = Drill(
    id="capacity",
    title="The highest rate that the system takes",
    rules=(RULE, INVALID_RULE),
    run=run,
    needs=(Instances, Resources),
    pace=_pace,
    judges_objectives=False,
)
