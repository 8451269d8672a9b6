"""A store answers, and refuses all writes: its disk is full, or it was demoted in a failover."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal

from tarmac.base.target import StoreData
from tarmac.catalog.faults.fault import Fault, Sighting, Step, Witness


class ReadOnly(Step):
    """Reads and open connections go on."""

    fault: Literal["read-only"]


@contextlib.contextmanager
def inject(target: StoreData, step: ReadOnly) -> Iterator[Witness]:
    """Make the store reject writes until the end."""
    target.make_read_only(step.on, on=True)

    def witness() -> Sighting:
        if target.takes_writes(step.on):
            return Sighting(False, f"{step.on} took writes; a restart of its server ends this")
        return Sighting(True, f"{step.on} refused writes")

    try:
        yield witness
    finally:
        target.make_read_only(step.on, on=False)


FAULT = Fault(
    id="read-only",
    title="Have a store refuse writes",
    step=ReadOnly,
    inject=inject,
    proof="At the end, a write to the store is tried.",
    needs=(StoreData,),
)
