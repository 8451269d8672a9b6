"""What an edge carries takes longer, in each direction."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal

from pydantic import Field

from tarmac.base.target import EdgeRule, Edges
from tarmac.catalog.faults.fault import Fault, Step, Witness, disturbed
from tarmac.model.value import Duration


class Latency(Step):
    """A delay of whatever is sent."""

    fault: Literal["latency"]
    delay: Duration = Field(description="Added in each direction.")
    jitter: Duration = Field(default=0.0, description="The delay is even within delay +- jitter.")


def inject(target: Edges, step: Latency) -> AbstractContextManager[Witness]:
    """Delay what the edges carry."""
    rule = EdgeRule(delay_s=step.delay, jitter_s=step.jitter)
    return disturbed(target, step.on, rule, "delayed")


FAULT = Fault(
    id="latency",
    title="Delay the data of an edge",
    step=Latency,
    inject=inject,
    proof="The proxy counts the delayed bytes, and the delay.",
    needs=(Edges,),
)
