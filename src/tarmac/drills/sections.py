"""The sections of a drill's file that are for one kind of drill each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from tarmac.model.value import Duration, Name, StrictModel

#: Section -> the kind that it is for, and whether that kind cannot do without.
SECTIONS = {
    "capacity": ("capacity", False),
    "draw": ("random", False),
    "restore": ("restore", True),
    "scale": ("scale", True),
}
#: Kinds that disturb by themselves, or not at all.
WITHOUT_METHOD = frozenset({"capacity", "restore", "scale"})


class Capacity(StrictModel):
    """How a drill of the kind `capacity` raises its load."""

    at_least: float | None = Field(
        default=None, gt=0, description="Visits per second that must hold; without, any."
    )
    up_to: float = Field(default=1000.0, gt=0, le=10_000, description="No higher rate is tried.")
    times: float = Field(default=1.5, gt=1, description="Each rate, of the one before.")
    hold: Duration = Field(default=10.0, description="How long each rate is held.")


class Draw(StrictModel):
    """What a drill of the kind `random` draws from its method."""

    faults: int = Field(default=2, ge=1, description="How many steps of the method are taken.")
    within: Duration = Field(default=20.0, description="The time in which they begin.")
    seed: int | None = Field(default=None, description="Repeats a draw; without, each run differs.")


class Restore(StrictModel):
    """What a drill of the kind `restore` loses, and what may be lost for good."""

    stores: tuple[Name, ...] = Field(min_length=1, description="Those whose data is lost at once.")
    rpo: Duration = Field(
        default=60.0, description="What was written up to so long before may be lost."
    )
    rto: Duration = Field(
        default=300.0, description="By then it serves again, and visits go as before."
    )
    every: Duration = Field(
        default=1.0, description="What changes is archived at least so often, in whole seconds."
    )
    synchronous: bool = Field(
        default=False, description="Each change is archived before it is confirmed."
    )
    at: Duration = Field(default=5.0, description="When it is lost, from the baseline's end.")


class Scale(StrictModel):
    """What a drill of the kind `scale` runs more of, and for how long."""

    service: Name = Field(description="It has more instances for a while, then as many as before.")
    instances: int = Field(default=3, ge=2, le=20, description="How many then run.")
    hold: Duration = Field(default=10.0, description="For how long, once all of them serve.")
    share: float = Field(
        default=50,
        gt=0,
        le=100,
        description="The percentage of an even share of the requests that each must get then.",
    )


def misplaced(file: Any) -> Iterator[tuple[str, str]]:
    """Yield each section that is not for the file's kind, or is missing, with what is wrong."""
    for section, (kind, is_needed) in SECTIONS.items():
        if getattr(file, section) is not None and file.kind != kind:
            yield section, f"`{section}` is for `kind: {kind}` ({file.kind}); remove it"
        elif is_needed and file.kind == kind and getattr(file, section) is None:
            yield "kind", f"`kind: {kind}` lacks its section; add `{section}: ...`"
    if file.method and file.kind in WITHOUT_METHOD:
        yield "method", f"`method` is not for `kind: {file.kind}`, which has no steps; remove it"
