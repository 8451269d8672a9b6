"""An edge carries little per second: a full link, a throttled volume, a busy neighbour."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal

from pydantic import Field

from tarmac.base.target import EdgeRule, Edges
from tarmac.catalog.faults.fault import Fault, Step, Witness, disturbed


class Bandwidth(Step):
    """A limit of each connection, in each direction."""

    fault: Literal["bandwidth"]
    rate: float = Field(gt=0, description="Bytes per second.")


def inject(target: Edges, step: Bandwidth) -> AbstractContextManager[Witness]:
    """Let no more than that through."""
    return disturbed(target, step.on, EdgeRule(bytes_per_s=step.rate), "delayed")


FAULT = Fault(
    id="bandwidth",
    title="Limit the bytes per second of an edge",
    step=Bandwidth,
    inject=inject,
    proof="The proxy counts the bytes that had to wait.",
    needs=(Edges,),
)
