"""A store's disk is full: its server's writes fail, as they do where a volume is used up."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from tarmac.base.target import Disks
from tarmac.base.written import amount
from tarmac.catalog.faults.fault import Fault, Sighting, Step, Witness

MEBI = 1 << 20
#: What a store may have deleted since the last look; less than its server asks for at once.
LITTLE = MEBI


def _bytes(written: Any) -> int:
    return int(amount(written))


class FullDisk(Step):
    """The copy's store has a disk of its own, in memory, that holds what it keeps there."""

    fault: Literal["full-disk"]
    size: Annotated[int, BeforeValidator(_bytes, json_schema_input_type=str | int)] = Field(
        default=256 * MEBI, ge=64 * MEBI, description="The size of the disk, as in a claim: 256Mi."
    )


@contextlib.contextmanager
def inject(target: Disks, step: FullDisk) -> Iterator[Witness]:
    """Take all room that is left, and give it back at the end."""
    target.fill_disk(step.on, on=True)

    def witness() -> Sighting:
        free, size = target.disk_space(step.on)
        detail = f"{free // 1024} KiB of {size // MEBI} MiB were free for {step.on}"
        return Sighting(free < LITTLE, detail)

    try:
        yield witness
    finally:
        target.fill_disk(step.on, on=False)


def copied_with(step: FullDisk) -> dict[str, dict[str, int]]:
    """Return the disk that the copy gives the store."""
    return {"disks": {step.on: step.size}}


FAULT = Fault(
    id="full-disk",
    title="Fill the disk of a store",
    step=FullDisk,
    inject=inject,
    proof="What is free on the disk is read at the end.",
    needs=(Disks,),
    copied_with=copied_with,
)
