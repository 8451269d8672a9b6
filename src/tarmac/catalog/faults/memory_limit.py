"""Instances that use too much memory are killed, as by the kernel in a container with a limit.

Not a lower limit of address space: what then fails is a random allocation of a program that the
limit of a container would have let live, and nothing outside can tell that one did.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Protocol

from pydantic import BeforeValidator, Field

from tarmac.base.errors import TarmacError
from tarmac.base.target import Instances, Resources
from tarmac.base.written import amount
from tarmac.catalog.faults.fault import Fault, Sighting, Step, Witness
from tarmac.catalog.faults.repeating import repeating

#: How often to look: reading what all processes have takes some 20 ms.
POLL_S = 0.2
MEBI = 1 << 20


def _bytes(written: Any) -> float:
    return float(amount(written))


class _Target(Instances, Resources, Protocol):
    """Instances, and what they use."""


class MemoryLimit(Step):
    """Whatever an instance has started counts; memory that its processes share does once."""

    fault: Literal["memory-limit"]
    limit: Annotated[float, BeforeValidator(_bytes, json_schema_input_type=str | int)] = Field(
        gt=0, description="Bytes, as in a manifest: 256Mi."
    )


@contextlib.contextmanager
def inject(target: _Target, step: MemoryLimit) -> Iterator[Witness]:
    """Kill each instance that has more, again and again, until the end."""
    most = dict.fromkeys(target.find(step.on), 0)
    killed: list[str] = []

    def watch() -> None:
        with contextlib.suppress(TarmacError):  # one that ends by itself is gone by now
            for name, used in target.memory_bytes().items():
                if name in most:
                    most[name] = max(most[name], used)
                    if used > step.limit:
                        target.send([name], "SIGKILL")
                        killed.append(name)

    def witness() -> Sighting:
        had = ", ".join(f"{name} had {used / MEBI:.0f} MiB" for name, used in most.items())
        allowed = f"{had} at most, {step.limit / MEBI:.0f} allowed"
        if not killed:
            return Sighting(False, f"not killed: {allowed}")
        return Sighting(True, f"{len(killed)} killed: {allowed}")

    with repeating(watch, POLL_S):
        yield witness


FAULT = Fault(
    id="memory-limit",
    title="Kill instances that use more memory than a limit",
    step=MemoryLimit,
    inject=inject,
    proof="An instance was measured above the limit, and killed for that.",
    needs=(Instances, Resources),
)
