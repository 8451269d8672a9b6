"""Instances end as often as they are started: a bad configuration, a migration that fails."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal, Protocol

from tarmac.base.errors import TarmacError
from tarmac.base.target import Instances, Processes, ProcessId
from tarmac.catalog.faults.fault import Fault, Sighting, Step, Witness
from tarmac.catalog.faults.repeating import repeating

POLL_S = 0.05
#: Fewer are a crash, and no loop.
AGAIN = 2


class _Target(Instances, Processes, Protocol):
    """Instances that are processes: a pod that is deleted comes back without a pause."""


class CrashLoop(Step):
    """Each new process is killed as soon as it is there."""

    fault: Literal["crash-loop"]


@contextlib.contextmanager
def inject(target: _Target, step: CrashLoop) -> Iterator[Witness]:
    """Kill the instances whenever one has a process, until the end."""
    names = target.find(step.on)
    killed: set[ProcessId] = set()

    def kill_again() -> None:
        with contextlib.suppress(TarmacError):  # one that ends by itself is gone by now
            for instance in target.instances():
                if instance.name in names and instance.pid not in (None, *killed):
                    killed.update(target.send([instance.name], "SIGKILL").values())

    def witness() -> Sighting:
        detail = f"{', '.join(names)}: {len(killed)} processes were killed one after another"
        return Sighting(len(killed) >= AGAIN * len(names), detail)

    with repeating(kill_again, POLL_S):
        yield witness


FAULT = Fault(
    id="crash-loop",
    title="Kill instances whenever they start",
    step=CrashLoop,
    inject=inject,
    proof="As many processes were killed as it takes to be a loop: two of each instance at least.",
    needs=(Instances, Processes),
)
