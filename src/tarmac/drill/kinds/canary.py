"""The drill `canary`: a new version of a service gets more and more of the requests, or none.

The decisions are those of Flagger and Argo Rollouts (`plan.analysis`), on requests that are counted
where they are split: whatever language the service is in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from tarmac.base.target import EdgeRule, Instances, Versions
from tarmac.catalog.faults.fault import Sighting
from tarmac.drill.drill import Check, Drill, DrillContext, DrillResult
from tarmac.drill.explain import time_text
from tarmac.drill.file.drill_file import DrillFile
from tarmac.drill.file.sections import Canary, Defect
from tarmac.drill.running import under_load
from tarmac.drill.running.abort import AbortWatch
from tarmac.drill.running.method import NOT_BEGUN, MethodResult
from tarmac.drill.running.windows import AnalysisWindow, Window
from tarmac.plan.analysis import Analysis, CanaryDecision, decide

POLL_S = 0.1
UNDECIDED = CanaryDecision("hold", 0)
RULE = (
    "An instance of the new version of `canary.service` starts beside the others and gets "
    "`canary.weights` percent of the requests, step by step. After each `canary.every` an analysis "
    "run decides, as Flagger and Argo Rollouts do: with `success` and `p99` as they should be it "
    "goes a step on, after `failures` runs without it gets none any more. PASS if it is promoted; "
    "with a `canary.defect`, if it is taken back."
)
INVALID_RULE = (
    "INVALID: an analysis run had fewer than `canary.requests` requests, the new version did not "
    "get its share of them, the stable version would have failed beside it, or a defect had no "
    "effect."
)


class _Target(Instances, Versions, Protocol):
    """Instances that can be run in another version."""


@dataclass
class _Drill:
    """One run: carried out in the midst of the load."""

    context: DrillContext[_Target]
    wanted: Canary
    asked: Analysis
    ready: Sighting = NOT_BEGUN
    windows: list[AnalysisWindow] = field(default_factory=list)
    decision: CanaryDecision = UNDECIDED
    #: What the defect did.
    effect: Mapping[str, float] = field(default_factory=dict)

    def disturb(self, say: Callable[[str], None], watch: AbortWatch) -> MethodResult:
        """Try the new version; returns once it was promoted for a while, or taken back."""
        target, wanted = self.context.target, self.wanted
        first_at = time.monotonic()
        file = str((self.context.journeys.parent / wanted.version.file).resolve())
        name = target.start_version(
            wanted.service, file if wanted.version.file else "", wanted.version.env
        )
        self.ready = self._await(name, watch)
        say(f"the new version of {wanted.service}: {self.ready.detail}")
        if self.ready.present:
            self._try(say, watch)
            self.effect = target.answers(wanted.service)[1].effect
        if self.decision.verdict == "promote":
            target.split(wanted.service, 1.0, _rule(wanted.defect))
            say("promoted: it gets all requests")
            watch.sleep_until(time.monotonic() + wanted.every)
        else:
            target.split(wanted.service, 0.0, None)
            say("taken back: it gets no request")
        return MethodResult((), first_at, time.monotonic(), aborted=watch())

    def _await(self, name: str, watch: AbortWatch) -> Sighting:
        """Wait until an instance takes requests."""
        began = time.monotonic()
        while True:
            found = [one for one in self.context.target.instances() if one.name == name]
            waited_s = time.monotonic() - began
            if any(one.serves for one in found):
                return Sighting(True, f"takes requests after {waited_s:.1f} s")
            if watch() or waited_s > self.wanted.ready:
                state = found[0].state if found else "not there"
                return Sighting(False, f"{state} after {waited_s:.1f} s")
            time.sleep(POLL_S)

    def _try(self, say: Callable[[str], None], watch: AbortWatch) -> None:
        target, service = self.context.target, self.wanted.service
        rule = _rule(self.wanted.defect)
        self.decision = decide(self.asked, ())
        while self.decision.verdict == "hold" and not watch():
            weight = self.decision.weight
            target.split(service, weight / 100, rule)
            stable, new = target.answers(service)
            watch.sleep_until(time.monotonic() + self.wanted.every)
            stable_then, new_then = target.answers(service)
            seen = AnalysisWindow(
                weight, Window.between(new, new_then), Window.between(stable, stable_then)
            )
            self.windows.append(seen)
            say(seen.sentence())
            self.decision = decide(self.asked, [one.new.run for one in self.windows])

    def checks(self) -> Iterator[Check]:
        """Yield whether there was something to decide on, and what was decided."""
        wanted = self.wanted
        what = f"the new version of {wanted.service} takes requests"
        yield Check("setup" if wanted.defect else "hypothesis", what, *self.ready)
        if not self.windows:
            return
        fewest = min(one.new.sent for one in self.windows)
        what, limit = "each analysis run had enough requests", f"{wanted.requests} each"
        yield Check("setup", what, fewest >= wanted.requests, f"{fewest} at the least", limit)
        unlike = [one.sentence() for one in self.windows if not one.is_comparable(self.asked)]
        what = "the stable version held the same limits beside it"
        yield Check("setup", what, not unlike, "; ".join(unlike) or "in all runs", self._limits())
        off = [one.sentence() for one in self.windows if not one.has_share]
        sent = sum(one.new.sent for one in self.windows)
        what = "the new version got its share of the requests"
        yield Check("fault", what, not off, "; ".join(off) or f"{sent} requests")
        if wanted.defect is not None:
            done = self.effect.get("answered", 0) + self.effect.get("delayed", 0)
            what = "the defect was there"
            yield Check("fault", what, done > 0, f"it had effect {done:.0f} times", "once")
        yield self._of_decision(sent)

    def _of_decision(self, sent: int) -> Check:
        last, failed = self.windows[-1], sum(one.new.failed for one in self.windows)
        ends = {"promote": "promoted", "abort": "taken back", "hold": "undecided"}
        decided = ends[self.decision.verdict]
        wanted = "taken back" if self.wanted.defect else "promoted"
        measured = (
            f"{decided} after {len(self.windows)} analysis runs ({last.sentence()}); until then it "
            f"got {sent} requests and failed {failed}"
        )
        what = f"the new version of {self.wanted.service} is {wanted}"
        return Check("hypothesis", what, decided == wanted, measured, self._limits())

    def _limits(self) -> str:
        return f"success {self.wanted.success:g} %, p99 {1000 * self.wanted.p99:g} ms"


def _rule(defect: Defect | None) -> EdgeRule | None:
    if defect is None:
        return None
    # On the way to the service and on the way back.
    return EdgeRule(
        delay_s=defect.delay / 2, error_share=defect.errors / 100, error_status=defect.status
    )


def analysis(wanted: Canary) -> Analysis:
    """Return how the new version is judged, in the words of what production gets."""
    return Analysis(
        service=wanted.service,
        namespace="",
        weights=wanted.weights,
        every_s=wanted.every,
        failures=wanted.failures,
        success=wanted.success,
        p99_s=wanted.p99,
        requests=wanted.requests,
        measured="proxy",
    )


def run(context: DrillContext[_Target]) -> DrillResult:
    """Run the drill. Raises TarmacError where the version or the load cannot begin."""
    wanted = context.file.canary
    assert wanted is not None  # noqa: S101 - the file was checked
    drill = _Drill(context, wanted, analysis(wanted))
    result = under_load.run(context, drill.disturb)
    return replace(result, checks=(*result.checks, *drill.checks()))


def _pace(file: DrillFile) -> str:
    wanted = file.canary
    assert wanted is not None  # noqa: S101 - the file was checked
    when, every = time_text(file.baseline), time_text(wanted.every)
    weights = ", ".join(f"{weight}" for weight in wanted.weights)
    return (
        f"and after {when} a new version of {wanted.service} gets {weights} % of its requests, "
        f"{every} each"
    )


DRILL = Drill(
    id="canary",
    title="A new version of a service on a part of the requests: promoted or taken back",
    rules=(RULE, INVALID_RULE, under_load.INVALID_RULE, under_load.FAIL_RULE),
    run=run,
    needs=(Instances, Versions),
    pace=_pace,
)
