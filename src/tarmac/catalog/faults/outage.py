"""Instances are killed and stay away: a lost machine or zone, a broker that does not come back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal

from tarmac.base.target import Instances
from tarmac.catalog.faults.fault import Fault, Sighting, Step, Witness


class Outage(Step):
    """Nothing of it runs."""

    fault: Literal["outage"]


@contextlib.contextmanager
def inject(target: Instances, step: Outage) -> Iterator[Witness]:
    """Kill the instances and start none of them until the end."""
    names = target.find(step.on)
    target.hold_down(names)

    def witness() -> Sighting:
        runs = [i.name for i in target.instances() if i.name in names and i.pid is not None]
        if runs:
            return Sighting(False, f"runs all the same: {', '.join(runs)}")
        return Sighting(True, f"no process ran of {', '.join(names)}")

    try:
        yield witness
    finally:
        target.let_up(names)


FAULT = Fault(
    id="outage",
    title="Kill instances and keep them down",
    step=Outage,
    inject=inject,
    proof="None of the instances has a process at the end.",
    needs=(Instances,),
)
