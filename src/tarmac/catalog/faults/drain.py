"""A node is emptied, as before its maintenance: users should not notice."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from tarmac.base.target import NodeTarget
from tarmac.catalog.faults.fault import Fault, Sighting, Step, Witness


class Drain(Step):
    """Evictions keep to the budgets; the node takes pods again at the end."""

    fault: Literal["drain"]
    on: str = Field(description="A node of the cluster.")


@contextlib.contextmanager
def inject(target: NodeTarget, step: Drain) -> Iterator[Witness]:
    """Empty the node; returns once it is, and lets pods back at the end."""
    before = target.drain(step.on)

    def witness() -> Sighting:
        if not before:
            return Sighting(False, f"no process of the system ran on {step.on}")
        if left := target.find(step.on):
            return Sighting(False, f"runs there all the same: {', '.join(left)}")
        return Sighting(True, f"{', '.join(before)} had to leave {step.on}")

    try:
        yield witness
    finally:
        target.uncordon(step.on)


FAULT = Fault(
    id="drain",
    title="Evict the pods of a node, within their budgets",
    step=Drain,
    inject=inject,
    proof="Pods of the system were on the node before, and none is at the end.",
    needs=(NodeTarget,),
)
