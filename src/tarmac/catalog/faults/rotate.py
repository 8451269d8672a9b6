"""The passwords of a store are rotated: its users should not notice."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal

from tarmac.base.target import Passwords
from tarmac.catalog.faults.fault import Fault, Sighting, Step, Witness


class Rotate(Step):
    """Its services get other passwords, and the store refuses the previous ones."""

    fault: Literal["rotate"]


@contextlib.contextmanager
def inject(target: Passwords, step: Rotate) -> Iterator[Witness]:
    """Rotate; returns once the store refuses what it took before, which was tried."""
    done = target.rotate(step.on)
    yield lambda: Sighting(True, done)


FAULT = Fault(
    id="rotate",
    title="Give the services of a store other passwords",
    step=Rotate,
    inject=inject,
    proof="A login with each previous password is refused, and one with the next is not.",
    momentary=True,
    needs=(Passwords,),
)
