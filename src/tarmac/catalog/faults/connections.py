"""No connection is left: other clients hold them, a pool leaks, a limit is too low for a rollout.

A limit on the wire, and not clients that take what the store has: it needs no user of the store,
is the same for each kind of store and for services, and its end gives all connections back. The
wire closes a connection that is one too many; PostgreSQL would answer `too many clients` first.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal

from pydantic import Field

from tarmac.base.target import EdgeRule, Edges
from tarmac.catalog.faults.fault import Fault, Step, Witness, disturbed


class Connections(Step):
    """Those that are open beyond the limit are reset at its beginning."""

    fault: Literal["connections"]
    limit: int = Field(default=0, ge=0, description="How many of an edge may be open at once.")


def inject(target: Edges, step: Connections) -> AbstractContextManager[Witness]:
    """Refuse what is beyond the limit."""
    rule = EdgeRule(max_connections=step.limit)
    return disturbed(target, step.on, rule, "refused", "new connection beyond the limit")


FAULT = Fault(
    id="connections",
    title="Limit the connections of an edge, and refuse further ones",
    step=Connections,
    inject=inject,
    proof="The wire counts the new connections that it refused.",
    needs=(Edges,),
)
