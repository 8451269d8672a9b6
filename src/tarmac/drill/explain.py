"""Says in plain words what a drill does, and what decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import BeforeValidator

from tarmac.base.written import as_written, duration
from tarmac.catalog.faults.fault import Step
from tarmac.drill.drill import Drill
from tarmac.drill.file.drill_file import DrillFile, faults


def sentences(file: DrillFile, drill: Drill, gaps: Iterable[str] = ()) -> Iterator[str]:
    """Yield one line for each thing that happens, then what the hypothesis says.

    Args:
        gaps: what it does not show of this system, as sentences.
    """
    load = file.load
    yield f"{file.title}."
    pace = drill.pace(file) if drill.pace else f"for {time_text(file.seconds)} at most"
    yield f"{load.rate:g} visits `{load.journey}` begin per second, {pace}."
    if file.load.stages:
        others = ", then ".join(f"{s.rate:g} for {time_text(s.for_)}" for s in file.load.stages)
        yield f"After {time_text(file.baseline)} it is {others}, then {load.rate:g} again."
    if file.instances:
        several = ", ".join(f"{many} of {name}" for name, many in file.instances.items())
        yield f"The copy has {several}, and one instance of every other service."
    for step in file.method:
        fault = faults()[step.fault]
        lasts_s = fault.lasts_s(step)
        lasts = f" for {time_text(lasts_s)}" if lasts_s else ""
        given = "".join(f", {name} {value}" for name, value in _given(step))
        when = "At a time" if drill.is_drawn else f"After {time_text(file.baseline + step.at)}"
        yield (
            f"{when}: {step.fault} on {step.on}{lasts}{given}. "
            f"Proof: {fault.proof[0].lower()}{fault.proof[1:]}"
        )
    wanted = file.hypothesis
    if wanted.success is not None:
        yield f"At least {wanted.success:g} % of the visits must succeed."
    if wanted.p99 is not None:
        yield f"99 % of them must end within {1000 * wanted.p99:g} ms."
    objectives = wanted.objectives if drill.judges_objectives else ()
    for probe in file.probes:
        period = time_text(probe.every)
        yield f"{probe.path} of {probe.service} is requested every {period}, and must answer 200."
    for what, names in (("objectives", objectives), ("invariants", wanted.invariants)):
        if names:
            listed = names if isinstance(names, str) else ", ".join(names)
            yield f"These {what} must hold: {listed}."
    if file.method:
        yield f"Visits must go as before within {time_text(file.recovery)} of the last fault's end."
    yield from drill.rules
    if file.expect != "PASS":
        yield f"The expected verdict is {file.expect}: another one fails the drill."
    yield from (f"Not shown: {gap}." for gap in gaps)


def abort(file: DrillFile) -> str:
    """Return when a drill stops at once."""
    if (rule := file.abort) is None:
        return "none: the drill runs to its end, then undoes every fault."
    return f"at once when {rule.failed:g} % of the visits fail over {time_text(rule.over)}."


def _given(step: Step) -> Iterator[tuple[str, str]]:
    """Yield what a step says besides what all do, with units."""
    for name, field in type(step).model_fields.items():
        if name not in Step.model_fields and (value := getattr(step, name)) != field.default:
            is_time = any(isinstance(one, BeforeValidator) for one in field.metadata)
            yield name, time_text(value) if is_time else as_written(value)


def time_text(seconds: float) -> str:
    """Write a time for a reader: whole seconds as in a file, others in milliseconds."""
    return duration(seconds) if seconds == round(seconds) else f"{1000 * seconds:g}ms"
