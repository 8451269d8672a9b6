"""The rules of a verdict: whether a drill shows anything, and whether the system held."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from tarmac.base.target import Instances
from tarmac.drill.drill import Check, DrillContext
from tarmac.drill.file.drill_file import Hypothesis
from tarmac.drill.load.process import Visits
from tarmac.drill.running.method import MethodResult
from tarmac.drill.steady_state import BrokenInvariant

#: A generator that begins a visit later than this has measured itself.
LATE_S = 0.5
RATE_KEPT = "the load kept its rate"


def of_setup(before: Visits, whole: Visits, wanted: Hypothesis) -> Iterator[Check]:
    """Yield what must hold for a drill to show anything: visits, on time, and good ones before."""
    yield Check("setup", "visits were made before", before.many > 0, f"{before.many}", "some")
    yield of_rate(whole)
    if before.many:
        for check in of_visits(before, wanted):
            what = f"before the fault, {check.what}"
            yield Check("setup", what, check.holds, check.measured, check.limit)


def of_rate(visits: Visits) -> Check:
    """Return whether the generator kept its rate; else it has measured itself."""
    measured = f"a visit began {1000 * visits.late_s:.0f} ms late at most"
    return Check("setup", RATE_KEPT, visits.late_s <= LATE_S, measured, f"{1000 * LATE_S:g} ms")


def of_invariants(broken: Iterable[BrokenInvariant]) -> Check:
    """Return whether the invariants hold afterwards."""
    measured = "; ".join(f"{one.name}: {one.why}" for one in broken)
    return Check(
        "hypothesis", "the invariants hold afterwards", not measured, measured or "all hold"
    )


def of_faults(context: DrillContext[Instances], method: MethodResult) -> Iterator[Check]:
    """Yield whether each fault was there."""
    for step, sighting in zip(context.file.method, method.sightings, strict=True):
        yield Check(
            "fault", f"{step.fault} on {step.on} was there", sighting.present, sighting.detail
        )


def of_visits(visits: Visits, wanted: Hypothesis) -> Iterator[Check]:
    """Yield whether visits were as the hypothesis says."""
    share = visits.good_share
    if wanted.success is not None and share is not None:
        measured = f"{_percent(share)} of {visits.many}"
        holds, limit = 100 * share >= wanted.success, f"{wanted.success:g} %"
        yield Check("hypothesis", "visits succeed", holds, measured, limit)
    if wanted.p99 is not None:
        p99_s = visits.percentile_s(99)
        measured, limit = f"p99 {1000 * p99_s:.0f} ms", f"{1000 * wanted.p99:g} ms"
        yield Check("hypothesis", "visits are fast", p99_s <= wanted.p99, measured, limit)


def of_recovery(recovered_s: float | None, limit_s: float, after: str = "") -> Check:
    """Return whether visits went as before in time, after the faults or after something else."""
    measured = "not in time" if recovered_s is None else f"after {recovered_s:.1f} s"
    limit = f"within {limit_s:g} s"
    what = f"visits go as before {after}".rstrip()
    return Check("hypothesis", what, recovered_s is not None, measured, limit)


def of_objectives(context: DrillContext[Instances], since: float) -> Iterator[Check]:
    """Yield whether each objective held over the drill; without a request it shows nothing."""
    names = context.file.hypothesis.objective_names
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


def _percent(share: float) -> str:
    """Write a share so that what is not all never reads as all."""
    return f"{math.floor(share * 1e5) / 1e3:g} %"
