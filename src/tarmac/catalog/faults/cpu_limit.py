"""Instances get little of the CPU: a limit that is too low, a busy neighbour, a small machine.

Limited, and not burnt beside it: on one machine the load and all services share the cores, so that
a program which burns them slows the drill itself, by as much as the machine is small. A limit hits
what it names, and is what a container meets that has used up its CPU limit.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal, Protocol

from pydantic import Field

from tarmac.base.target import Instances, Resources
from tarmac.catalog.faults.fault import Fault, Sighting, Step, Witness


class _Target(Instances, Resources, Protocol):
    """Instances, and what they use."""


class CpuLimit(Step):
    """A quota of each instance, with all that it has started."""

    fault: Literal["cpu-limit"]
    cpus: float = Field(gt=0, description="How many it may use: 0.5 is half a core's time.")


@contextlib.contextmanager
def inject(target: _Target, step: CpuLimit) -> Iterator[Witness]:
    """Stop the instances whenever they have used up what they may."""
    names = target.find(step.on)
    target.limit_cpu(names, step.cpus)

    def witness() -> Sighting:
        limited = target.throttled(names)
        times = sum(one.times for one in limited.values())
        used = ", ".join(
            f"{name} used {one.used_s / one.elapsed_s:.2f}" for name, one in limited.items()
        )
        if not times:
            return Sighting(False, f"never stopped: {used} CPUs, {step.cpus:g} allowed")
        return Sighting(True, f"stopped {times} times: {used} CPUs, {step.cpus:g} allowed")

    try:
        yield witness
    finally:
        target.limit_cpu(names, None)


FAULT = Fault(
    id="cpu-limit",
    title="Let instances use little of the CPU",
    step=CpuLimit,
    inject=inject,
    proof="An instance was throttled at its limit; its CPU use is measured.",
    needs=(Instances, Resources),
)
