"""Nothing comes through an edge, and nothing is refused: packets are lost, as between two zones."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal

from pydantic import Field

from tarmac.base.target import EdgeRule, Edges
from tarmac.catalog.faults.fault import Fault, Step, Witness, disturbed


class Partition(Step):
    """Silence; afterwards TCP delivers what was sent, where both ends still wait for it."""

    fault: Literal["partition"]
    direction: Literal["both", "sent", "received"] = Field(
        default="both", description="`sent`: what the caller sends; `received`: the answers."
    )


def inject(target: Edges, step: Partition) -> AbstractContextManager[Witness]:
    """Let nothing through until the end."""
    return disturbed(target, step.on, EdgeRule(stall=step.direction), "stalled")


FAULT = Fault(
    id="partition",
    title="Block an edge, in both directions or one",
    step=Partition,
    inject=inject,
    proof="The proxy counts the blocked bytes and connections.",
    needs=(Edges,),
)
