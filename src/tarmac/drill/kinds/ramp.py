"""The drill `ramp`: the faults of its method one after another, light to heavy, up to the limit."""

from __future__ import annotations

from dataclasses import replace

from tarmac.base.target import Instances
from tarmac.drill.drill import Drill, DrillContext, DrillResult, Verdict
from tarmac.drill.running import under_load

LIMIT_RULE = (
    "Each step has a load of its own. The first that does not pass ends the drill, and its verdict "
    "is the drill's."
)


def run(context: DrillContext[Instances]) -> DrillResult:
    """Run the drill. Raises TarmacError where a load cannot begin."""
    steps = context.file.method
    whole = DrillResult(())
    for number, step in enumerate(steps, 1):
        label = f"{number}. {step.fault} on {step.on}"
        context.say(f"step {label}, of {len(steps)}")
        file = context.file.model_copy(update={"method": (step,)})
        result = under_load.run(replace(context, file=file))
        whole = _after(whole, result, label)
        if result.verdict is not Verdict.PASS:
            context.say(f"{result.verdict} at {label}; {len(steps) - number} more were not tried")
            break
    return whole


def _after(before: DrillResult, step: DrillResult, label: str) -> DrillResult:
    """Add what a step resulted in, with its label on everything."""
    at = len(before.seconds)
    recoveries = (before.recovered_s if before.checks else 0.0, step.recovered_s)
    known = [seconds for seconds in recoveries if seconds is not None]
    return DrillResult(
        checks=(*before.checks, *(replace(c, what=f"{label}: {c.what}") for c in step.checks)),
        events=(*before.events, *(replace(e, at_s=round(at + e.at_s, 2)) for e in step.events)),
        periods=(
            *before.periods,
            *(
                replace(p, name=f"{label}: {p.name}", first_s=at + p.first_s, last_s=at + p.last_s)
                for p in step.periods
            ),
        ),
        recovered_s=max(known) if len(known) == len(recoveries) else None,
        seconds=(*before.seconds, *step.seconds),
    )


DRILL = Drill(
    id="ramp",
    title="Faults one after another, light to heavy",
    rules=(LIMIT_RULE, under_load.INVALID_RULE, under_load.FAIL_RULE),
    run=run,
    pace=lambda _: "in each step's turn",
)
