"""An address that callers remember is not the target's any more: a name that was cached too long.

Whatever was open ends with the machine that had the address. What answers there now is nothing, or
another service that was given it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal, Protocol
from urllib.parse import urlsplit

from pydantic import Field

from tarmac.base.target import EdgeRule, Edges, Instances
from tarmac.catalog.faults.fault import Fault, Step, Witness, disturbed, url_of


class _Target(Instances, Edges, Protocol):
    """Instances and the traffic of edges."""


class StaleAddress(Step):
    """Connections of callers lead to where the target was."""

    fault: Literal["stale-address"]
    now: str = Field(default="", description="The service that has the address; default: none.")


def inject(target: _Target, step: StaleAddress) -> AbstractContextManager[Witness]:
    """Redirect new connections to another address, and close open ones."""
    port = 0
    if step.now:
        port = urlsplit(url_of(target, step.now)).port or 0
    return disturbed(target, step.on, EdgeRule(leads_to=port), "misdirected", "new connection")


FAULT = Fault(
    id="stale-address",
    title="Have an edge lead to an address that is not the target's any more",
    step=StaleAddress,
    inject=inject,
    proof="The wire counts the new connections that it led elsewhere.",
    needs=(Instances, Edges),
)
