"""The drill `scale`: more instances of a service under load, then as many as before."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from tarmac.base.target import Instances, Scaling
from tarmac.catalog.faults.fault import Sighting
from tarmac.drill.drill import Check, Drill, DrillContext, DrillResult
from tarmac.drill.explain import time_text
from tarmac.drill.file.drill_file import DrillFile
from tarmac.drill.file.sections import Scale
from tarmac.drill.running import under_load
from tarmac.drill.running.abort import AbortWatch
from tarmac.drill.running.method import NOT_BEGUN, MethodResult

POLL_S = 0.1
RULE = (
    "`scale.service` gets more instances, and after `scale.hold` as many as before. PASS if visits "
    "are as the hypothesis says all the while, and each instance has answered `scale.share` "
    "percent of an even share of the requests, by its own metrics."
)
INVALID_RULE = "INVALID: not all instances ran, or requests were not counted by instance."


class _Target(Instances, Scaling, Protocol):
    """Instances that can be run in another number."""


@dataclass
class _Drill:
    """One run: carried out in the midst of the load."""

    context: DrillContext[_Target]
    wanted: Scale
    up: Sighting = NOT_BEGUN
    down: Sighting = NOT_BEGUN
    #: By instance that ran at the most.
    requests: Mapping[str, float] = field(default_factory=dict)

    def disturb(self, say: Callable[[str], None], watch: AbortWatch) -> MethodResult:
        """Scale up, hold, scale down; returns once that many serve."""
        service, target = self.wanted.service, self.context.target
        first_at, before = time.monotonic(), len(target.find(service))
        target.scale(service, self.wanted.instances)
        self.up = self._await(self.wanted.instances, watch)
        say(f"scaled up: {self.up.detail}")
        since = time.time()
        watch.sleep_until(time.monotonic() + self.wanted.hold)
        counted = self.context.steady_state.requests(service, since)
        self.requests = {name: counted.get(name, 0.0) for name in target.find(service)}
        target.scale(service, before)
        self.down = self._await(before, watch)
        say(f"scaled down: {self.down.detail}")
        return MethodResult((), first_at, time.monotonic(), aborted=watch())

    def _await(self, many: int, watch: AbortWatch) -> Sighting:
        """Wait until exactly so many instances serve, as long as a recovery may take."""
        end = time.monotonic() + self.context.file.recovery
        while True:
            names = frozenset(self.context.target.find(self.wanted.service))
            serve = sorted(
                one.name
                for one in self.context.target.instances()
                if one.name in names and one.serves
            )
            if len(serve) == len(names) == many or watch() or time.monotonic() > end:
                detail = f"{', '.join(serve) or 'none'} serve"
                return Sighting(len(serve) == len(names) == many, detail)
            time.sleep(POLL_S)

    def checks(self) -> Iterator[Check]:
        """Yield whether the instances were there, and what each of them did."""
        wanted, total = self.wanted, sum(self.requests.values())
        yield Check("fault", f"{wanted.instances} instances of {wanted.service} ran", *self.up)
        yield Check("fault", f"{wanted.service} went back to as many as before", *self.down)
        what = f"requests of {wanted.service} are counted by instance"
        yield Check("setup", what, total > 0, f"{total:.0f}", "some")
        if total:
            least = wanted.share / 100 * total / len(self.requests)
            yield Check(
                "hypothesis",
                f"each instance of {wanted.service} takes its share",
                all(many >= least for many in self.requests.values()),
                ", ".join(f"{name} {many:.0f}" for name, many in self.requests.items()),
                f"{least:.0f} requests each",
            )


def run(context: DrillContext[_Target]) -> DrillResult:
    """Run the drill. Raises TarmacError where the load cannot begin."""
    wanted = context.file.scale
    assert wanted is not None  # noqa: S101 - the file was checked
    drill = _Drill(context, wanted)
    result = under_load.run(context, drill.disturb)
    return replace(result, checks=(*result.checks, *drill.checks()))


def _pace(file: DrillFile) -> str:
    wanted = file.scale
    assert wanted is not None  # noqa: S101 - the file was checked
    when, how_long = time_text(file.baseline), time_text(wanted.hold)
    return f"and after {when} {wanted.instances} instances of {wanted.service} run for {how_long}"


DRILL = Drill(
    id="scale",
    title="More instances of a service under load, and as many as before again",
    rules=(RULE, INVALID_RULE, under_load.INVALID_RULE, under_load.FAIL_RULE),
    run=run,
    needs=(Instances, Scaling),
    pace=_pace,
)
