"""The drill `random`: some steps of its method at drawn times, repeatable by the seed.

What fails is run again without one step after another: the smallest set that still fails is what
is reported.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from tarmac.base.target import Instances
from tarmac.catalog.faults.fault import Step
from tarmac.drill.drill import Drill, DrillContext, DrillResult, Event, Verdict
from tarmac.drill.explain import time_text
from tarmac.drill.file.drill_file import DrillFile
from tarmac.drill.file.sections import Draw
from tarmac.drill.running import under_load

#: Seeds are as long as a person types again without an error.
SEEDS = 1_000_000
RULE = (
    "The seed decides which steps are taken and when; the journal has it, and `draw.seed` repeats "
    "it. After a FAIL the drill runs again without one step after another, and ends with the "
    "smallest set that fails."
)


def run(context: DrillContext[Instances]) -> DrillResult:
    """Run the drill. Raises TarmacError where a load cannot begin."""
    wanted = context.file.draw or Draw()
    seed = secrets.randbelow(SEEDS) if wanted.seed is None else wanted.seed
    steps = drawn(context.file.method, wanted, seed)
    context.say(f"seed {seed}: {_named(steps)}")
    result = _with(context, steps)
    tries = 0
    if result.verdict is Verdict.FAIL:
        for step in steps:
            smaller = tuple(other for other in steps if other is not step)
            if not smaller:
                break
            context.say(f"fails; again without {step.fault} on {step.on}")
            tries += 1
            again = _with(context, smaller)
            if again.verdict is Verdict.FAIL:
                steps, result = smaller, again
    said = f"seed {seed}; {_named(steps)}"
    if tries:
        said += f": the smallest set that fails, of {tries + 1} runs"
    return replace(result, events=(Event(0.0, said), *result.events), seed=seed)


def _pace(file: DrillFile) -> str:
    wanted = file.draw or Draw()
    return f"and {wanted.faults} of these happen within {time_text(wanted.within)}"


def drawn(pool: Sequence[Step], wanted: Draw, seed: int) -> tuple[Step, ...]:
    """Draw steps with their times; the same for the same seed and pool."""
    chance = Random(seed)  # noqa: S311 - chosen to be repeatable
    chosen = chance.sample(list(pool), min(wanted.faults, len(pool)))
    timed = [step.model_copy(update={"at": _time(chance, wanted.within)}) for step in chosen]
    return tuple(sorted(timed, key=lambda step: step.at))


def _time(chance: Random, within_s: float) -> float:
    return round(chance.uniform(0.0, within_s), 1)


def _with(context: DrillContext[Instances], steps: tuple[Step, ...]) -> DrillResult:
    file = context.file.model_copy(update={"method": steps})
    return under_load.run(replace(context, file=file))


def _named(steps: Sequence[Step]) -> str:
    return ", ".join(f"{step.fault} on {step.on} after {step.at:g} s" for step in steps)


DRILL = Drill(
    id="random",
    title="Faults at random, repeatable by a seed",
    rules=(RULE, under_load.INVALID_RULE, under_load.FAIL_RULE),
    run=run,
    pace=_pace,
    is_drawn=True,
)
