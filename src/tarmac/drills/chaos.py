"""The drill `chaos`: a load, faults in its midst, and whether the system holds and recovers."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence

from tarmac.drills.drill import Check, Drill, DrillContext, DrillResult, Event, Period
from tarmac.drills.drill_file import Abort, Hypothesis
from tarmac.drills.load.generator import WINDOW_S
from tarmac.drills.load.process import Load, LoadProcess, Visits, generating
from tarmac.drills.method import MethodResult, carry_out

#: What is still under way before a drill begins ends within this time.
QUIET_S = 10.0
#: A generator that begins a visit later than this has measured itself.
LATE_S = 0.5
#: So many seconds in a row without a failed visit, none of them slow, are a recovery. Slow: the
#: median is more than so many times that of the baseline, and by more than a little.
WELL_SECONDS, SLOW_TIMES, SLOW_S = 3, 2.0, 0.02
POLL_S = 0.05
INVALID_RULE = (
    "INVALID: an invariant or the hypothesis does not hold before, a fault was not proven, there "
    "were no visits, the load could not keep its rate, or no request of an objective was seen."
)
FAIL_RULE = (
    "FAIL: visits, objectives or invariants are not as the hypothesis says, or visits do not go as "
    f"before in time: {WELL_SECONDS} seconds in a row without a failed or a slow one."
)


def run(context: DrillContext) -> DrillResult:
    """Run the drill. Raises TarmacError where the load cannot begin."""
    file, state = context.file, context.steady_state
    invariants = _names(file.hypothesis.invariants)
    if broken := state.settled(invariants, QUIET_S):
        measured = "; ".join(f"{one.name}: {one.why}" for one in broken)
        return DrillResult((Check("setup", "the invariants hold before", False, measured),))
    events: list[Event] = []
    load = Load(
        context.journeys,
        file.load.journey,
        context.target.urls(),
        *(file.load.rate, file.seconds, file.load.timeout),
    )
    context.say(f"sets up the journey `{load.journey}`")
    with generating(load) as running:
        began, began_at = time.monotonic(), time.time()
        running.begin()

        def say(what: str) -> None:
            events.append(Event(round(time.monotonic() - began, 2), what))
            context.say(f"{events[-1].at_s:6.1f} s  {what}")

        say(f"{load.rate:g} visits per second begin")
        watch = _AbortWatch(file.abort, running)
        _sleep_until(began + file.baseline, watch)
        method = carry_out(context.target, file.method, say=say, is_aborted=watch)
        if method.aborted:
            say("aborted: too many visits fail")
        else:
            _sleep_until(method.last_at + file.recovery, watch)
        running.end()
        say("the load has ended")
        seconds = running.windows()
        first_s = math.floor((method.first_at - began) / WINDOW_S)
        last_s = math.ceil((method.last_at - began) / WINDOW_S)
        periods = (
            _period("before", 0, first_s, running),
            _period("during", first_s, last_s, running),
            _period("after", last_s, len(seconds), running),
        )
        recovered = _recovered_at(seconds, last_s, running.between(0, first_s))
        whole = running.between(0)
    recovered_s = None
    if recovered is not None:
        recovered_s = max(0.0, recovered * WINDOW_S - (method.last_at - began))
    checks = [
        *_setup(running.between(0, first_s), whole, file.hypothesis),
        *_faults(context, method),
        *_of_visits(whole, file.hypothesis),
    ]
    if file.method:
        measured = "not in time" if recovered_s is None else f"after {recovered_s:.1f} s"
        limit = f"within {file.recovery:g} s"
        checks.append(
            Check("hypothesis", "visits go as before", recovered_s is not None, measured, limit)
        )
    if method.aborted:
        checks.append(Check("hypothesis", "the drill need not be aborted", False, "it was"))
    checks += _objectives(context, began_at)
    broken = state.settled(invariants, file.recovery)
    measured = "; ".join(f"{one.name}: {one.why}" for one in broken) or "all hold"
    checks.append(Check("hypothesis", "the invariants hold afterwards", not broken, measured))
    shown = tuple((one.good, one.failed.total(), one.percentile_s(99)) for one in seconds)
    return DrillResult(tuple(checks), tuple(events), periods, recovered_s, shown)


class _AbortWatch:
    """Tells whether the drill's abort rule is met, from what the load says each second."""

    def __init__(self, rule: Abort | None, load: LoadProcess) -> None:
        self._rule = rule
        self._load = load
        self._seen: list[tuple[float, int, int]] = []

    def __call__(self) -> bool:
        if self._rule is None:
            return False
        now = time.monotonic()
        self._seen.append((now, self._load.good, self._load.failed))
        while len(self._seen) > 1 and self._seen[1][0] <= now - self._rule.over:
            self._seen.pop(0)
        since, good, failed = self._seen[0]
        many = self._load.good - good + self._load.failed - failed
        if now - since < self._rule.over or not many:
            return False
        return 100 * (self._load.failed - failed) / many >= self._rule.failed


def _setup(before: Visits, whole: Visits, wanted: Hypothesis) -> Iterator[Check]:
    yield Check("setup", "visits were made before", before.many > 0, f"{before.many}", "some")
    yield Check(
        "setup",
        "the load kept its rate",
        whole.late_s <= LATE_S,
        f"a visit began {1000 * whole.late_s:.0f} ms late at most",
        f"{1000 * LATE_S:g} ms",
    )
    if before.many:
        for check in _of_visits(before, wanted):
            what = f"before the fault, {check.what}"
            yield Check("setup", what, check.holds, check.measured, check.limit)


def _faults(context: DrillContext, method: MethodResult) -> Iterator[Check]:
    for step, sighting in zip(context.file.method, method.sightings, strict=True):
        yield Check(
            "fault", f"{step.fault} on {step.on} was there", sighting.present, sighting.detail
        )


def _of_visits(visits: Visits, wanted: Hypothesis) -> Iterator[Check]:
    share = visits.good_share
    if wanted.success is not None and share is not None:
        measured = f"{_percent(share)} of {visits.many}"
        holds, limit = 100 * share >= wanted.success, f"{wanted.success:g} %"
        yield Check("hypothesis", "visits succeed", holds, measured, limit)
    if wanted.p99 is not None:
        p99_s = visits.percentile_s(99)
        measured, limit = f"p99 {1000 * p99_s:.0f} ms", f"{1000 * wanted.p99:g} ms"
        yield Check("hypothesis", "visits are fast", p99_s <= wanted.p99, measured, limit)


def _objectives(context: DrillContext, since: float) -> Iterator[Check]:
    names = _names(context.file.hypothesis.objectives)
    for objective in context.steady_state.objectives(names, since):
        counts = objective.counts
        if counts is None or not counts.requests:
            what = f"{objective.name} can be counted"
            yield Check("setup", what, False, "no request of it was seen")
            continue
        share = 1 - counts.bad_share
        yield Check(
            "hypothesis",
            f"{objective.name}: {objective.sentence}",
            share >= objective.target,
            f"{_percent(share)} of {counts.requests:.0f} requests",
            _percent(objective.target),
        )


def _period(name: str, first_s: int, last_s: int, load: LoadProcess) -> Period:
    visits = load.between(first_s, last_s)
    return Period(
        name,
        *(first_s, last_s, visits.many, visits.good, visits.failed),
        *(visits.percentile_s(percent) for percent in (50, 99, 100)),
    )


def _recovered_at(seconds: Sequence[Visits], since: int, before: Visits) -> int | None:
    """Find the second from which visits went as before, for some seconds in a row at least."""
    slow_s = max(SLOW_TIMES * before.percentile_s(50), before.percentile_s(50) + SLOW_S)
    well = [
        visits.many > 0 and not visits.failed and visits.percentile_s(50) <= slow_s
        for visits in seconds
    ]
    for second in range(since, len(well) - WELL_SECONDS + 1):
        if all(well[second : second + WELL_SECONDS]):
            return second
    return None


def _names(wanted: str | tuple[str, ...]) -> tuple[str, ...] | None:
    return None if isinstance(wanted, str) else wanted


def _percent(share: float) -> str:
    """Write a share so that what is not all never reads as all."""
    return f"{math.floor(share * 1e5) / 1e3:g} %"


def _sleep_until(end: float, is_aborted: _AbortWatch) -> None:
    while not is_aborted() and (left_s := end - time.monotonic()) > 0:
        time.sleep(min(left_s, POLL_S))


DRILL = Drill(
    id="chaos",
    title="Faults under load",
    rules=(INVALID_RULE, FAIL_RULE),
    run=run,
)
