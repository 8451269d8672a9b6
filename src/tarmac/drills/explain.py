"""Says in plain words what a drill does, and what decides."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BeforeValidator

from tarmac.drills.drill import Drill
from tarmac.drills.drill_file import DrillFile, faults
from tarmac.faults.fault import Step
from tarmac.model.value import as_written, duration


def sentences(file: DrillFile, drill: Drill) -> Iterator[str]:
    """Yield one line for each thing that happens, then what the hypothesis says."""
    load = file.load
    yield f"{file.title}."
    turn = "in each step's turn" if drill.in_turn else f"for {_time(file.seconds)} at most"
    if file.capacity is not None:
        turn = f"rising up to {file.capacity.up_to:g}, {_time(file.capacity.hold)} each"
    if file.draw is not None:
        turn = f"and {file.draw.faults} of these happen within {_time(file.draw.within)}"
    yield f"{load.rate:g} visits `{load.journey}` begin per second, {turn}."
    for step in file.method:
        fault = faults()[step.fault]
        lasts = "" if fault.momentary else f" for {_time(step.for_)}"
        given = "".join(f", {name} {value}" for name, value in _given(step))
        when = "At a time" if drill.is_drawn else f"After {_time(file.baseline + step.at)}"
        yield (
            f"{when}: {step.fault} on {step.on}{lasts}{given}. "
            f"Proof: {fault.proof[0].lower()}{fault.proof[1:]}"
        )
    wanted = file.hypothesis
    if wanted.success is not None:
        yield f"At least {wanted.success:g} % of the visits must succeed."
    if wanted.p99 is not None:
        yield f"99 % of them must end within {1000 * wanted.p99:g} ms."
    for what, names in (("objectives", wanted.objectives), ("invariants", wanted.invariants)):
        if names:
            listed = names if isinstance(names, str) else ", ".join(names)
            yield f"These {what} must hold: {listed}."
    if file.method:
        yield f"Visits must go as before within {_time(file.recovery)} of the last fault's end."
    yield from drill.rules


def _given(step: Step) -> Iterator[tuple[str, str]]:
    """Yield what a step says besides what all do, with units."""
    for name, field in type(step).model_fields.items():
        if name not in Step.model_fields and (value := getattr(step, name)) != field.default:
            is_time = any(isinstance(one, BeforeValidator) for one in field.metadata)
            yield name, _time(value) if is_time else as_written(value)


def _time(seconds: float) -> str:
    return duration(seconds) if seconds == round(seconds) else f"{1000 * seconds:g}ms"
