"""Instances stand still and keep their connections: a long garbage collection, a frozen host."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal, Protocol

from tarmac.base.target import Instances, Processes
from tarmac.catalog.faults.fault import Fault, Sighting, Step, Witness


class _Target(Instances, Processes, Protocol):
    """Instances that are processes."""


class Pause(Step):
    """Nothing of it answers, and nothing is refused."""

    fault: Literal["pause"]


@contextlib.contextmanager
def inject(target: _Target, step: Pause) -> Iterator[Witness]:
    """Stop the processes of the instances, with all that they started; at the end they go on."""
    names = target.find(step.on)
    pids = target.pause(names)

    def witness() -> Sighting:
        moving = sorted(set(target.moving(names)))
        if moving:
            return Sighting(False, f"not stopped any more: {', '.join(moving)}")
        many = sum(map(len, pids.values()))
        return Sighting(True, f"{many} processes of {', '.join(names)} were stopped")

    try:
        yield witness
    finally:
        target.resume(names)


FAULT = Fault(
    id="pause",
    title="Pause instances, and resume them",
    step=Pause,
    inject=inject,
    proof="The kernel says of each process that it is stopped.",
    needs=(Instances, Processes),
)
