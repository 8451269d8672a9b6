"""Connections break: a proxy is restarted, a firewall forgets, a node drops out."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal

from pydantic import Field

from tarmac.base.target import EdgeRule, Edges
from tarmac.catalog.faults.fault import Fault, Step, Witness, disturbed


class Reset(Step):
    """A share of the connections is reset: those that are open, and new ones once they are used."""

    fault: Literal["reset"]
    percent: float = Field(default=100, gt=0, le=100, description="The share of connections.")


def inject(target: Edges, step: Reset) -> AbstractContextManager[Witness]:
    """Reset them."""
    return disturbed(target, step.on, EdgeRule(reset_share=step.percent / 100), "reset")


FAULT = Fault(
    id="reset",
    title="Reset connections of an edge",
    step=Reset,
    inject=inject,
    proof="The wire counts the connections that it reset.",
    needs=(Edges,),
)
