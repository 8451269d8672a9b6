"""Runs a load, injects faults during it, and judges whether the system holds and recovers."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from tarmac.base.target import Instances
from tarmac.drill.drill import Check, DrillContext, DrillResult, Event, Period
from tarmac.drill.load.generator import WINDOW_S
from tarmac.drill.load.process import Load, LoadProcess, generating
from tarmac.drill.running import checks
from tarmac.drill.running.abort import AbortWatch
from tarmac.drill.running.method import MethodResult, carry_out
from tarmac.drill.running.probes import probing
from tarmac.drill.running.recovery import WELL_SECONDS, await_recovery, recovered_after

#: What is still under way before a drill begins ends within this time.
QUIET_S = 10.0
#: The load is ended by the drill; so much later it ends by itself.
SLACK_S = 60.0
INVALID_RULE = (
    "INVALID: an invariant or the hypothesis does not hold before, a fault was not proven, there "
    "were not visits, the load could not keep its rate, or no request of an objective was seen."
)
FAIL_RULE = (
    "FAIL: visits, objectives or invariants are not as the hypothesis says, or visits do not go as "
    f"before in time: {WELL_SECONDS} seconds in a row without a failed or a slow one."
)

#: (told what happens, asked whether to stop) -> what became of it; its sightings are the method's.
Disturb = Callable[[Callable[[str], None], AbortWatch], MethodResult]


def run(
    context: DrillContext[Instances], *disturbs: Disturb, urls: Mapping[str, str] | None = None
) -> DrillResult:
    """Run the drill. Raises TarmacError where the load cannot begin.

    Args:
        disturbs: what happens in the midst of the load, each once visits go as before again;
            without any, the steps of the file's method.
        urls: where visitors find the services; None: where the target has them.
    """
    file, state = context.file, context.steady_state
    is_disturbed = bool(file.method or file.load.stages or disturbs)
    invariants = file.hypothesis.invariant_names
    if broken := state.settled(invariants, QUIET_S):
        measured = "; ".join(f"{one.name}: {one.why}" for one in broken)
        return DrillResult((Check("setup", "the invariants hold before", False, measured),))
    events: list[Event] = []
    load = Load(
        context.journeys,
        file.load.journey,
        context.target.urls() if urls is None else urls,
        (*file.stages, (file.load.rate, SLACK_S)),
        file.load.timeout,
    )
    context.say(f"sets up the journey `{load.journey}`")
    with generating(load) as running, probing(file.probes, load.urls) as probed:
        began, began_at = time.monotonic(), time.time()
        running.begin()

        def say(what: str) -> None:
            events.append(Event(round(time.monotonic() - began, 2), what))
            context.say(f"{events[-1].at_s:6.1f} s  {what}")

        say(f"{file.load.rate:g} visits per second begin")
        watch = AbortWatch(file.abort, running)
        watch.sleep_until(began + file.baseline)
        for stage in file.load.stages[:1]:
            say(f"{stage.rate:g} visits per second")
        done = []
        for disturb in disturbs or (functools.partial(_steps, context),):
            done.append(method := disturb(say, watch))
            baseline = math.floor((done[0].first_at - began) / WINDOW_S)
            if method.aborted:
                say("aborted: too many visits fail")
                break
            if is_disturbed:
                limits = (running.between(0, baseline), method.last_at - began, file.recovery)
                await_recovery(running, *limits, began=began, is_aborted=watch)
        running.end()
        say("the load has ended")
    seconds, before, whole = running.windows(), running.between(0, baseline), running.between(0)
    ends = [method.last_at - began for method in done]
    recovered = [recovered_after(seconds, before, end_s, file.recovery) for end_s in ends]
    found = [
        *checks.of_setup(before, whole, file.hypothesis),
        *checks.of_faults(context, done[0]),
        *checks.of_visits(whole, file.hypothesis),
        *(probe.check() for probe in probed),
    ]
    for method, after_s in zip(done, recovered, strict=True):
        if is_disturbed:
            found.append(checks.of_recovery(after_s, file.recovery, method.what))
        if method.aborted:
            found.append(Check("hypothesis", "the drill need not be aborted", False, "it was"))
    found += checks.of_objectives(context, began_at)
    found.append(checks.of_invariants(state.settled(invariants, file.recovery)))
    last = math.ceil(ends[-1] / WINDOW_S)
    periods = (
        period("before", 0, baseline, running),
        period("during", baseline, last, running),
        period("after", last, len(seconds), running),
    )
    shown = tuple((one.good, one.failed.total(), one.percentile_s(99)) for one in seconds)
    return DrillResult(tuple(found), tuple(events), periods, recovered[0], shown)


def _steps(
    context: DrillContext[Instances], say: Callable[[str], None], watch: AbortWatch
) -> MethodResult:
    """Carry the method out, while the load has its other rates."""
    file, began = context.file, time.monotonic()
    method = carry_out(context.target, file.method, say=say, is_aborted=watch)
    if not file.load.stages or method.aborted:
        return method
    watch.sleep_until(began + file.load.staged_s)
    say(f"{file.load.rate:g} visits per second again")
    return replace(method, first_at=began, last_at=time.monotonic(), aborted=watch())


def period(name: str, first_s: int, last_s: int, load: LoadProcess) -> Period:
    """Sum up a part of the load."""
    visits = load.between(first_s, last_s)
    return Period(
        name,
        *(first_s, last_s, visits.many, visits.good, visits.failed),
        *(visits.percentile_s(percent) for percent in (50, 99, 100)),
    )
