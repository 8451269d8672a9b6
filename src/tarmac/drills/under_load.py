"""Runs a load with faults in its midst, and tells whether the system holds and recovers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from tarmac.drills import checks
from tarmac.drills.abort import AbortWatch
from tarmac.drills.drill import Check, DrillContext, DrillResult, Event, Period
from tarmac.drills.load.generator import WINDOW_S
from tarmac.drills.load.process import Load, LoadProcess, generating
from tarmac.drills.method import MethodResult, carry_out
from tarmac.drills.recovery import WELL_SECONDS, await_recovery, recovered_after

#: What is still under way before a drill begins ends within this time.
QUIET_S = 10.0
#: The load is ended by the drill; so much later it ends by itself.
SLACK_S = 60.0
INVALID_RULE = (
    "INVALID: an invariant or the hypothesis does not hold before, a fault was not proven, there "
    "were no visits, the load could not keep its rate, or no request of an objective was seen."
)
FAIL_RULE = (
    "FAIL: visits, objectives or invariants are not as the hypothesis says, or visits do not go as "
    f"before in time: {WELL_SECONDS} seconds in a row without a failed or a slow one."
)

#: (told what happens, asked whether to stop) -> what became of it; its sightings are the method's.
Disturb = Callable[[Callable[[str], None], AbortWatch], MethodResult]


def run(context: DrillContext, disturb: Disturb | None = None) -> DrillResult:
    """Run the drill. Raises TarmacError where the load cannot begin.

    Args:
        disturb: what happens in the midst of the load; None: the steps of the file's method.
    """
    file, state = context.file, context.steady_state
    is_disturbed = bool(file.method) or disturb is not None
    invariants = file.hypothesis.invariant_names
    if broken := state.settled(invariants, QUIET_S):
        measured = "; ".join(f"{one.name}: {one.why}" for one in broken)
        return DrillResult((Check("setup", "the invariants hold before", False, measured),))
    events: list[Event] = []
    load = Load(
        context.journeys,
        file.load.journey,
        context.target.urls(),
        ((file.load.rate, file.seconds + SLACK_S),),
        file.load.timeout,
    )
    context.say(f"sets up the journey `{load.journey}`")
    with generating(load) as running:
        began, began_at = time.monotonic(), time.time()
        running.begin()

        def say(what: str) -> None:
            events.append(Event(round(time.monotonic() - began, 2), what))
            context.say(f"{events[-1].at_s:6.1f} s  {what}")

        say(f"{file.load.rate:g} visits per second begin")
        watch = AbortWatch(file.abort, running)
        watch.sleep_until(began + file.baseline)
        if disturb is None:
            method = carry_out(context.target, file.method, say=say, is_aborted=watch)
        else:
            method = disturb(say, watch)
        first_s, last_s = method.first_at - began, method.last_at - began
        baseline = math.floor(first_s / WINDOW_S)
        if method.aborted:
            say("aborted: too many visits fail")
        elif is_disturbed:
            limits = (running.between(0, baseline), last_s, file.recovery)
            await_recovery(running, *limits, began=began, is_aborted=watch)
        running.end()
        say("the load has ended")
    seconds, before, whole = running.windows(), running.between(0, baseline), running.between(0)
    recovered_s = recovered_after(seconds, before, last_s, file.recovery)
    found = [
        *checks.of_setup(before, whole, file.hypothesis),
        *checks.of_faults(context, method),
        *checks.of_visits(whole, file.hypothesis),
    ]
    if is_disturbed:
        found.append(checks.of_recovery(recovered_s, file.recovery))
    if method.aborted:
        found.append(Check("hypothesis", "the drill need not be aborted", False, "it was"))
    found += checks.of_objectives(context, began_at)
    found.append(checks.of_invariants(state.settled(invariants, file.recovery)))
    last = math.ceil(last_s / WINDOW_S)
    periods = (
        period("before", 0, baseline, running),
        period("during", baseline, last, running),
        period("after", last, len(seconds), running),
    )
    shown = tuple((one.good, one.failed.total(), one.percentile_s(99)) for one in seconds)
    return DrillResult(tuple(found), tuple(events), periods, recovered_s, shown)


def period(name: str, first_s: int, last_s: int, load: LoadProcess) -> Period:
    """Sum up a part of the load."""
    visits = load.between(first_s, last_s)
    return Period(
        name,
        *(first_s, last_s, visits.many, visits.good, visits.failed),
        *(visits.percentile_s(percent) for percent in (50, 99, 100)),
    )
