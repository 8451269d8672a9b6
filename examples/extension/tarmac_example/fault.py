"""stutter: instances stand still for a moment, again and again, as a host without CPU to give."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Literal

from tarmac.extend import Fault, Instances, Processes, Sighting, Step, Target, Witness

#: Seconds of a moment; as long they run.
MOMENT_S = 0.1


class Stutter(Step):
    """What a drill's file may say of it, besides `on`, `at` and `for`."""

    fault: Literal["stutter"]


@contextlib.contextmanager
def inject(target: Target, step: Stutter) -> Iterator[Witness]:
    """Stop and continue the instances in turns until the end; the exit is the way back."""
    names, over = target.find(step.on), threading.Event()
    moments = 0

    def stutter() -> None:
        nonlocal moments
        while not over.wait(MOMENT_S):
            target.pause(names)
            over.wait(MOMENT_S)
            moments += not target.moving(names)
            target.resume(names)

    def witness() -> Sighting:
        return Sighting(moments > 1, f"{', '.join(names)} stood still {moments} times")

    thread = threading.Thread(target=stutter)
    thread.start()
    try:
        yield witness
    finally:
        over.set()
        thread.join()


FAULT = Fault(
    id="stutter",
    title="Stop instances for a moment, again and again",
    step=Stutter,
    inject=inject,
    proof="The kernel says, moment by moment, that each process is stopped.",
    needs=(Instances, Processes),
)
