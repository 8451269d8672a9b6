"""Answers begin in time and do not end: a service that streams from what is slow, a full link.

What waits for the head only, as many timeouts do, does not notice; what reads the body does.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal

from pydantic import Field

from tarmac.base.target import EdgeRule, Edges
from tarmac.catalog.faults.fault import Fault, Step, Witness, disturbed


class SlowBody(Step):
    """For HTTP/1 without TLS; anything else goes on as it came."""

    fault: Literal["slow-body"]
    rate: float = Field(gt=0, description="Bytes of a body per second, on each connection.")


def inject(target: Edges, step: SlowBody) -> AbstractContextManager[Witness]:
    """Let heads through at once, and bodies bit by bit."""
    rule = EdgeRule(body_bytes_per_s=step.rate)
    return disturbed(target, step.on, rule, "slowed", "HTTP/1 answer with a body")


FAULT = Fault(
    id="slow-body",
    title="Let the bodies of HTTP answers of an edge trickle after their heads",
    step=SlowBody,
    inject=inject,
    proof="The wire counts the answers whose bodies it slowed.",
    needs=(Edges,),
)
