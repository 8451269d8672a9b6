"""Instances are taken off their networks and run on: a lost interface, a wrong firewall."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal, Protocol

from tarmac.base.target import Instances, Networks
from tarmac.catalog.faults.fault import Fault, Sighting, Step, Witness


class _Target(Instances, Networks, Protocol):
    """Instances with networks of their own."""


class Disconnect(Step):
    """Nothing reaches it, and it reaches nothing."""

    fault: Literal["disconnect"]


@contextlib.contextmanager
def inject(target: _Target, step: Disconnect) -> Iterator[Witness]:
    """Take the instances off every network until the end."""
    names = target.find(step.on)
    target.disconnect(names)

    def witness() -> Sighting:
        still = sorted(target.connected(names))
        if still:
            return Sighting(False, f"still on a network: {', '.join(still)}")
        return Sighting(True, f"on no network: {', '.join(names)}")

    try:
        yield witness
    finally:
        target.reconnect(names)


FAULT = Fault(
    id="disconnect",
    title="Take instances off their networks, and put them back",
    step=Disconnect,
    inject=inject,
    proof="Docker says of each container that it is on no network.",
    needs=(Instances, Networks),
)
