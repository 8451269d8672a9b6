"""Carries a drill's method out: each fault begins and ends when its time has come."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tarmac.base.target import Instances
from tarmac.catalog.faults.fault import Sighting, Step, Witness
from tarmac.drill.file.drill_file import faults

POLL_S = 0.05
NOT_BEGUN = Sighting(False, "not begun: the drill was aborted first")


@dataclass(frozen=True)
class MethodResult:
    """What became of each step, in the file's order."""

    sightings: tuple[Sighting, ...]
    #: When the first fault began and the last one ended, monotonic.
    first_at: float
    last_at: float
    aborted: bool
    #: What it was, after `visits go as before`; empty for the faults.
    what: str = ""


@dataclass
class _Fault:
    """One step under way."""

    witness: Witness
    undo: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)


def carry_out(
    target: Instances,
    steps: Sequence[Step],
    *,
    say: Callable[[str], None],
    is_aborted: Callable[[], bool],
) -> MethodResult:
    """Inject every fault at its time and undo it at its end; whatever happens, all are undone.

    Args:
        say: told when a fault begins and ends.
        is_aborted: asked again and again; true ends everything at once.
    """
    catalogue = faults()
    began = first_at = last_at = time.monotonic()
    plan = sorted(
        (at, end, number)
        for number, step in enumerate(steps)
        for at, end in ((step.at, False), (_end(step), True))
    )
    running: dict[int, _Fault] = {}
    sightings = [NOT_BEGUN] * len(steps)
    aborted = False
    with contextlib.ExitStack() as everything:
        for at, ends, number in plan:
            aborted = aborted or not _sleep(began + at, is_aborted)
            step = steps[number]
            if not ends and not aborted:
                undo = everything.enter_context(contextlib.ExitStack())
                if not running:
                    first_at = time.monotonic()
                witness = undo.enter_context(catalogue[step.fault].inject(target, step))
                running[number] = _Fault(witness, undo)
                say(f"{step.fault} on {step.on}")
            elif ends and number in running:
                sightings[number] = running[number].witness()
                running[number].undo.close()
                last_at = time.monotonic()
                say(f"{step.fault} on {step.on} is over: {sightings[number].detail}")
    return MethodResult(tuple(sightings), first_at, last_at, aborted)


def _end(step: Step) -> float:
    return step.at + faults()[step.fault].lasts_s(step)


def _sleep(until: float, is_aborted: Callable[[], bool]) -> bool:
    """Wait; False if it was aborted meanwhile."""
    while not is_aborted():
        left_s = until - time.monotonic()
        if left_s <= 0:
            return True
        time.sleep(min(left_s, POLL_S))
    return False
